import { expect, test } from "vitest";
import { spoken } from "../i18n.ts";
import { clock, unitsOf } from "../units.ts";

test.each(
  [
    ["zh", ["en-US"], "zh"],
    ["auto", ["fr", "zh-TW", "en"], "zh"],
    ["auto", ["en-GB", "zh"], "en"],
    ["auto", ["fr"], "en"],
    ["klingon", [], "en"],
  ] as const,
)("what was chosen (%s), else the browser's first known language of %s", (chosen, preferred, expected) => {
  expect(spoken(chosen, preferred)).toBe(expected);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1 KB"],
  [1_499_000_000, "1.5 GB"],
  [731_000_000, "731 MB"],
])("%d bytes are %s", (count, expected) => {
  expect(unitsOf("en").bytes(count)).toBe(expected);
});

test("numbers, dates and languages are told as the locale does", () => {
  const [en, zh] = [unitsOf("en"), unitsOf("zh-CN")];
  expect([en.bits(154_000), en.bits(12_340_000)]).toEqual(["154 kbit/s", "12.3 Mbit/s"]);
  expect([en.count(1_234_567), zh.count(1_234_567)]).toEqual(["1.2M", "123.5万"]);
  expect([en.date("2026-05-04T12:00:00Z"), zh.date("2026-05-04T12:00:00Z")]).toEqual([
    "May 4, 2026",
    "2026年5月4日",
  ]);
  expect([en.tongue("de-DE"), zh.tongue("en"), en.tongue("not a tag")]).toEqual([
    "German (Germany)",
    "英语",
    "not a tag",
  ]);
});

test.each([
  [0, "0:00"],
  [63.4, "1:03"],
  [3723, "1:02:03"],
])("%d seconds are %s", (seconds, expected) => {
  expect(clock(seconds)).toBe(expected);
});
