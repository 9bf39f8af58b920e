import { expect, test } from "vitest";
import type { Problem } from "../../api/schemas.ts";
import { initial, sentence } from "../language.ts";
import { en, zh } from "../messages.ts";
import { bytes, clock } from "../units.ts";

test.each(
  [
    ["zh", ["en-US"], "zh"],
    [null, ["fr", "zh-TW", "en"], "zh"],
    [null, ["en-GB", "zh"], "en"],
    [null, ["fr"], "en"],
    ["klingon", [], "en"],
  ] as const,
)("what was chosen (%s), else the browser's first known language of %s", (stored, preferred, expected) => {
  expect(initial(stored, preferred)).toBe(expected);
});

test("both languages say the same things", () => {
  expect(Object.keys(zh)).toEqual(Object.keys(en));
});

test("a problem is told in the language spoken, and with its detail in English", () => {
  const problem: Problem = {
    code: "video_private",
    status: 403,
    title: "The video is private.",
    detail: "Sign in",
    retry_after: null,
  };
  expect(sentence(problem, "en")).toBe("Sign in");
  expect(sentence(problem, "zh")).toBe("该视频为私享视频。");
  expect(sentence({ ...problem, code: "unheard_of" }, "zh")).toBe("Sign in");
  expect(sentence({ ...problem, code: "unreachable" }, "zh")).toBe(zh.unreachable);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 KB"],
  [1_499_000_000, "1.5 GB"],
  [731_000_000, "731 MB"],
])("%d bytes are %s", (count, expected) => {
  expect(bytes(count)).toBe(expected);
});

test.each([
  [0, "0:00"],
  [63.4, "1:03"],
  [3723, "1:02:03"],
])("%d seconds are %s", (seconds, expected) => {
  expect(clock(seconds)).toBe(expected);
});
