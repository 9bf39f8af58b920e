import vueI18n from "@intlify/unplugin-vue-i18n/vite";
import tailwind from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

/** Sentences are compiled here: at run time nothing is evaluated, as the Content-Security-Policy demands. */
const sentences = vueI18n({
  include: new URL("src/language/*.json", import.meta.url).pathname,
  runtimeOnly: true,
  compositionOnly: true,
  fullInstall: false,
  dropMessageCompiler: true,
});

export default defineConfig({
  base: "./", // relative to <base>, so that one build works under any ROOT_PATH
  plugins: [vue(), tailwind(), sentences],
  define: { __VUE_OPTIONS_API__: "false", __INTLIFY_PROD_DEVTOOLS__: "false" },
  build: { assetsInlineLimit: 0, manifest: true, modulePreload: { polyfill: false } },
  server: { proxy: { "/v1": "http://127.0.0.1:8080" } },
  test: { environment: "jsdom", include: ["src/**/*.test.ts"] },
});
