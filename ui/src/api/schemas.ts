/** Short names for what the functions' documents describe; nothing here is typed by hand. */
import type { components as analyze } from "./generated/analyze.ts";
import type { components as status } from "./generated/status.ts";

type Schemas = status["schemas"];

export type Task = Schemas["Task"];
export type Progress = Schemas["Progress"];
export type Phase = Progress["phase"];
export type Problem = Schemas["Problem"];
export type Media = Schemas["Media"];
export type Format = Schemas["Format"];
export type Merge = Schemas["Merge"];
export type Group = keyof Schemas["Formats"];
export type Recommended = Schemas["Recommended"];
export type Missing = Schemas["Missing"];
export type Subtitle = Schemas["Subtitle"];
export type Chapter = Schemas["Chapter"];
export type VideoFamily = Schemas["VideoCodec"]["family"];
export type AudioFamily = Schemas["AudioCodec"]["family"];
export type Session = analyze["schemas"]["SessionState"];

/** A final state never changes. */
export function isFinal({ state }: Task): boolean {
  return state === "completed" || state === "failed";
}
