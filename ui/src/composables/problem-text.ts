import { computed, type ComputedRef, type MaybeRefOrGetter, toValue } from "vue";
import { useI18n } from "vue-i18n";
import type { Problem } from "../api/schemas.ts";

export interface ProblemText {
  reason: ComputedRef<string>;
  next: ComputedRef<string>;
  /** What the system adds in English, where it says more than the code does. */
  detail: ComputedRef<string | null>;
}

/** A code's sentences; of one that a newer system has invented, what it says itself. */
export function useProblemText(
  problem: MaybeRefOrGetter<Pick<Problem, "code" | "detail"> & { title?: string }>,
): ProblemText {
  const { t, te } = useI18n();
  const code = computed(() => toValue(problem).code);
  const isKnown = computed(() => te(`problems.${code.value}.reason`));
  return {
    reason: computed(() => isKnown.value ? t(`problems.${code.value}.reason`) : toValue(problem).detail),
    next: computed(() => t(`problems.${isKnown.value ? code.value : "internal_error"}.next`)),
    detail: computed(() => {
      const { detail, title = "" } = toValue(problem);
      const more = detail.startsWith(title) ? detail.slice(title.length).trim() : detail;
      return isKnown.value && more ? more : null;
    }),
  };
}
