import { watchEffect } from "vue";
import { preferences } from "./preferences.ts";

/** The chosen appearance; the colours themselves are `light-dark()` in the style sheet. */
export function useTheme(): void {
  watchEffect(() => {
    const { theme } = preferences.value;
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  });
}
