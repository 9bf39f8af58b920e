import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./", // relative to <base>, so that one build works under any ROOT_PATH
  plugins: [vue()],
  build: { assetsInlineLimit: 0 },
  server: { proxy: { "/v1": "http://127.0.0.1:8080" } },
  test: { environment: "jsdom", include: ["src/**/*.test.ts"] },
});
