import { expect, test } from "vitest";
import { command } from "../commands.ts";
import { isComplete, linksIn } from "../links.ts";
import { merged } from "../merging.ts";
import { type Offer, offersOf } from "../offers.ts";
import { recommend } from "../recommendations.ts";
import { choices, filtered, sorted } from "../selection.ts";
import { ANY, nearest } from "../wishes.ts";
import { format, media, SOUND, task } from "./samples.ts";

const ANYTHING = { codec: ANY, lines: ANY, container: ANY } as const;
const AV1 = { family: "av1", name: "av01" } as const;
const VP9 = { family: "vp9", name: "vp9" } as const;

const VIDEO = media({
  formats: {
    combined: [format("18", { resolution: "360p", audio_codec: { family: "aac", name: "mp4a" } })],
    video_only: [
      format("401", { resolution: "2160p60", fps: 60, video_codec: AV1, size: 9 }),
      format("248", { container: "webm", video_codec: VP9, size: null }),
      format("137", { size: 5 }),
    ],
    audio_only: [
      format("140", {
        ...SOUND,
        audio_track: { id: "en.4", name: "English", is_original: true, is_default: true },
      }),
    ],
  },
  recommended: [
    { kind: "best", format_id: "18" },
    { kind: "compatible", format_id: "18" },
    { kind: "audio", format_id: "140" },
  ],
});
const MERGE = {
  format_id: "401+140",
  video_format_id: "401",
  audio_format_id: "140",
  container: "mp4",
  extension: "mp4",
  resolution: "2160p60",
  size: 10,
  is_size_exact: false,
  version: null,
  stream_url: "/m",
  filename: "m.mp4",
};

const ids = (offers: readonly Offer[]) => offers.map((offer) => offer.format_id);

test.each([
  ["https://youtu.be/a https://youtu.be/b\nhttps://youtu.be/a", ["https://youtu.be/a", "https://youtu.be/b"]],
  ["看这个：https://youtu.be/a，不错", ["https://youtu.be/a"]],
  ["Watch youtube.com/watch?v=abc now", ["youtube.com/watch?v=abc"]],
  ["dQw4w9WgXcQ abcdefghijk", ["dQw4w9WgXcQ", "abcdefghijk"]],
  ["not a link", ["not a link"]],
  ["  ", []],
])("the links in %j", (text, expected) => {
  expect(linksIn(text)).toEqual(expected);
});

test("pasting submits only what is a link and nothing else", () => {
  expect(isComplete("https://youtu.be/a\nhttps://youtu.be/b")).toBe(true);
  expect(isComplete("some words https://youtu.be/a")).toBe(false);
});

test("a merge is listed with what its two files say", () => {
  const [offer] = offersOf({ ...VIDEO, merges: [MERGE] });
  expect(offer).toMatchObject({
    group: "combined",
    isMerge: true,
    lines: 2160,
    fps: 60,
    video: AV1,
    language: "en",
    isSizeExact: false,
  });
});

test("without merges the best picture is offered as what it is, and one file is one pick", () => {
  expect(
    recommend(offersOf(VIDEO), VIDEO.recommended, ANYTHING).map(({ kind, offer }) => [kind, offer.format_id]),
  )
    .toEqual([["both", "18"], ["silent", "401"], ["audio", "140"]]);
});

test("a recommended merge needs no picture without sound beside it", () => {
  const merging = {
    ...VIDEO,
    merges: [MERGE],
    recommended: [{ kind: "best" as const, format_id: "401+140" }, ...VIDEO.recommended.slice(1)],
  };
  expect(
    recommend(offersOf(merging), merging.recommended, ANYTHING).map((
      { kind, offer },
    ) => [kind, offer.format_id]),
  )
    .toEqual([["best", "401+140"], ["compatible", "18"], ["audio", "140"]]);
});

test("wishes change the first pick: resolution before codec before container", () => {
  const merging = {
    ...VIDEO,
    merges: [MERGE],
    recommended: [{ kind: "best" as const, format_id: "401+140" }],
  };
  const [first] = recommend(offersOf(merging), merging.recommended, { ...ANYTHING, lines: 1080 });
  expect(first).toMatchObject({ kind: "wished", offer: { format_id: "18" } });
  const offers = offersOf(
    media({ formats: { combined: VIDEO.formats.video_only, video_only: [], audio_only: [] } }),
  );
  expect(nearest(offers, { codec: "h264", lines: ANY, container: "webm" })?.format_id).toBe("401");
  expect(nearest(offers, { codec: "h264", lines: 1080, container: "webm" })?.format_id).toBe("137");
  expect(nearest(offers, { ...ANYTHING, lines: 100 })).toBeNull();
});

test("lists are filtered by what differs, and sorted with the unknown last", () => {
  const offers = offersOf(VIDEO).filter((offer) => offer.group === "video_only");
  expect(choices(offers)).toEqual([
    { facet: "resolution", values: ["2160p", "1080p"] },
    { facet: "codec", values: ["av1", "h264", "vp9"] },
    { facet: "fps", values: ["60", "30"] },
    { facet: "container", values: ["mp4", "webm"] },
  ]);
  expect(ids(filtered(offers, { resolution: "1080p", codec: "vp9" }))).toEqual(["248"]);
  expect(ids(sorted(offers, { by: "size", isAscending: true }))).toEqual(["137", "401", "248"]);
  expect(ids(sorted(offers, { by: "size", isAscending: false }))).toEqual(["401", "137", "248"]);
  expect(ids(sorted(offers, { by: "quality", isAscending: false }))[0]).toBe("401");
});

test("commands survive any file name", () => {
  expect(command("curl", { filename: "It's $HOME.mp4" }, "http://s/x?a=1&b=2")).toBe(
    "curl -C - -o 'It'\\''s $HOME.mp4' 'http://s/x?a=1&b=2'",
  );
  expect(command("aria2", { filename: "a" }, "u")).toContain("-x 4");
  expect(command("wget", { filename: "a" }, "u")).toBe("wget -c -O 'a' 'u'");
});

test("progress never goes back, a final state stays, and another task is another story", () => {
  const known = task();
  const slower = task({ progress: { percent: 10, phase: "page", message: "" } });
  expect(merged(known, slower).progress).toEqual({ percent: 40, phase: "page", message: "" });
  expect(merged(known, task({ updated_at: "2026-05-04T10:00:00Z", attempt: 9 }))).toBe(known);
  const done = task({ state: "completed" });
  expect(merged(done, known)).toBe(done);
  expect(merged(done, task({ task_id: "t2" })).task_id).toBe("t2");
});
