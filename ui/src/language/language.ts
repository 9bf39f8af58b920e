import { computed, type ComputedRef, ref, watchEffect } from "vue";
import type { Problem } from "../api/schemas.ts";
import { en, type Messages, zh } from "./messages.ts";
import problemsZh from "./problems.zh.json" with { type: "json" };

export type Language = "en" | "zh";

const STORED = "sluice.language";

export const language = ref<Language>(initial(localStorage.getItem(STORED), navigator.languages));
export const messages: ComputedRef<Messages> = computed(() => language.value === "zh" ? zh : en);

watchEffect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
});

export function choose(next: Language): void {
  language.value = next;
  localStorage.setItem(STORED, next);
}

/** What was chosen, else the first of the browser's languages that this page speaks. */
export function initial(stored: string | null, preferred: readonly string[]): Language {
  if (stored === "en" || stored === "zh") return stored;
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) =>
    tag === "en" || tag === "zh"
  );
  return known === "zh" ? "zh" : "en";
}

/** The problem's sentence; the functions write English, their codes are translated here. */
export function sentence(problem: Problem, spoken: Language): string {
  if (problem.code === "unreachable") return spoken === "zh" ? zh.unreachable : en.unreachable;
  const translated = (problemsZh as Record<string, string>)[problem.code];
  return spoken === "zh" && translated !== undefined ? translated : problem.detail;
}
