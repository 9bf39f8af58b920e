import { useLocalStorage } from "@vueuse/core";
import type { VideoFamily } from "../api/schemas.ts";
import { ANY, type Wishes } from "../media/wishes.ts";

export type Theme = "auto" | "light" | "dark";

export interface Preferences extends Wishes {
  theme: Theme;
  language: "auto" | "en" | "zh";
}

export const CODECS: readonly VideoFamily[] = ["av1", "vp9", "h264"];
export const LINES: readonly number[] = [4320, 2160, 1440, 1080, 720, 480];
export const CONTAINERS: readonly string[] = ["mp4", "webm"];

/** Kept on this device only. */
export const preferences = useLocalStorage<Preferences>(
  "sluice.preferences",
  { theme: "auto", language: "auto", codec: ANY, lines: ANY, container: ANY },
  { mergeDefaults: true },
);
