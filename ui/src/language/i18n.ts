import { usePreferredLanguages } from "@vueuse/core";
import { computed, watchEffect } from "vue";
import { createI18n } from "vue-i18n";
import { preferences } from "../composables/preferences.ts";
import en from "./en.json" with { type: "json" };
import zh from "./zh.json" with { type: "json" };

export type Language = "en" | "zh";
export const TAGS: Record<Language, string> = { en: "en", zh: "zh-CN" };

/** What was chosen, else the first of the browser's languages that this page speaks. */
export function spoken(chosen: string, preferred: readonly string[]): Language {
  if (chosen === "en" || chosen === "zh") return chosen;
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) =>
    tag === "en" || tag === "zh"
  );
  return known === "zh" ? "zh" : "en";
}

const browsers = usePreferredLanguages();
export const language = computed<Language>(() => spoken(preferences.value.language, browsers.value));

export const i18n = createI18n({
  legacy: false,
  locale: language.value,
  fallbackLocale: false,
  messages: { en, zh },
});

watchEffect(() => {
  i18n.global.locale.value = language.value;
  document.documentElement.lang = TAGS[language.value];
});
