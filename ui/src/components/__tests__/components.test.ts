import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answer, fetching } from "../../composables/__tests__/network.ts";
import { preferences } from "../../composables/preferences.ts";
import { format, media, SOUND, task } from "../../media/__tests__/samples.ts";
import { offersOf } from "../../media/offers.ts";
import FormatTabs from "../FormatTabs.vue";
import LinkForm from "../LinkForm.vue";
import MediaResult from "../MediaResult.vue";
import ProblemNote from "../ProblemNote.vue";
import TaskProgress from "../TaskProgress.vue";
import { mounted } from "./mounting.ts";

beforeEach(() => vi.stubGlobal("fetch", fetching));
afterEach(() => {
  vi.unstubAllGlobals();
  fetching.mockReset();
  document.body.innerHTML = "";
});

test("a pasted link submits itself; words do not", async () => {
  fetching.mockResolvedValue(
    answer({ code: "unsupported_url", status: 422, title: "", detail: "", retry_after: null }, 422),
  );
  const form = mounted(LinkForm);
  const paste = (text: string) => {
    const event = Object.assign(new Event("paste"), { clipboardData: { getData: () => text } });
    form.get("input").element.dispatchEvent(event);
  };
  paste("just words");
  expect(fetching).not.toHaveBeenCalled();
  paste("https://youtu.be/dQw4w9WgXcQ");
  await vi.waitFor(() =>
    expect(form.get("[role=alert]").text()).toContain("not the link of a YouTube video")
  );
  expect(await fetching.mock.lastCall?.[0].json()).toEqual({
    url: "https://youtu.be/dQw4w9WgXcQ",
    refresh: false,
  });
});

test("an empty field says so and is focused", async () => {
  const form = mounted(LinkForm);
  await form.get("form").trigger("submit");
  expect(form.get("[role=alert]").text()).toBe("Enter a link first.");
  expect(document.activeElement).toBe(form.get("input").element);
});

test("progress tells phase, percent, attempt, place in the queue, and why it waits", () => {
  const waiting = mounted(TaskProgress, {
    props: {
      task: task({
        progress: { percent: 40, phase: "waiting", message: "" },
        attempt: 2,
        next_attempt_at: new Date(Date.now() + 9_500).toISOString(),
        problem: { type: "", code: "bot_check", status: 502, title: "", detail: "", retry_after: null },
      }),
    },
  });
  for (
    const told of [
      "Waiting before the next attempt",
      "40 %",
      "Attempt 2 of 5",
      "Next attempt in 10 s",
      "not a bot",
    ]
  ) {
    expect(waiting.text()).toContain(told);
  }
  expect(waiting.get("[role=progressbar]").attributes("aria-valuenow")).toBe("40");
  const queued = mounted(TaskProgress, { props: { task: task({ state: "pending", queue_position: 7 }) } });
  expect(queued.text()).toContain("No. 7 in the queue");
});

test("a problem has its reason, its next step and its code, and a wait is kept", () => {
  const note = mounted(ProblemNote, {
    props: {
      problem: { type: "", code: "rate_limited", status: 429, title: "", detail: "", retry_after: 30 },
    },
  });
  expect(note.text()).toContain("Too many requests in a short time.");
  expect(note.text()).toContain("rate_limited");
  expect(note.get("button").attributes("disabled")).toBeDefined();
  expect(note.get("button").text()).toBe("Possible again in 30 s");
});

test("a code from the future is told with its own words", () => {
  const note = mounted(ProblemNote, {
    props: {
      problem: {
        type: "",
        code: "unheard_of",
        status: 500,
        title: "New.",
        detail: "New.",
        retry_after: null,
      },
    },
  });
  expect(note.text()).toContain("New.");
});

const MANY = offersOf(media({
  formats: {
    combined: [],
    video_only: Array.from(
      { length: 100 },
      (_, index) => format(`v${index}`, { container: index % 5 ? "mp4" : "webm", size: index }),
    ),
    audio_only: [format("140", SOUND)],
  },
}));

test("three tabs with counts begin with the first that has something; filters and sorting work on many rows", async () => {
  const tabs = mounted(FormatTabs, { props: { offers: MANY } });
  expect(tabs.findAll("[role=tab]").map((tab) => tab.text())).toEqual([
    "Video + audio 0",
    "Video only 100",
    "Audio only 1",
  ]);
  expect(tabs.get("[role=tab][data-state=active]").text()).toContain("100");
  await tabs.get("select[aria-label=Container]").setValue("webm");
  expect(tabs.findAll("[role=rowheader]")).toHaveLength(20);
  expect(tabs.get("[role=status]").text()).toBe("20 of 100");
  const size = tabs.findAll("[role=columnheader] button").at(-1)!;
  await size.trigger("click");
  expect(tabs.get("[aria-sort=descending]").text()).toContain("Size");
  expect(tabs.get("a[data-format]").attributes("data-format")).toBe("v95");
});

test("what is missing is shown with its reason, and preferences change what is recommended", async () => {
  const shown = media({
    is_degraded: true,
    missing: [{ code: "sabr_only", detail: "", formats: ["2160p"], client: null }],
    formats: {
      combined: [format("22", { resolution: "720p" }), format("18", { resolution: "360p" })],
      video_only: [],
      audio_only: [],
    },
    recommended: [{ kind: "best", format_id: "22" }],
  });
  const result = mounted(MediaResult, { props: { media: shown } });
  expect(result.text()).toContain("This list may be incomplete");
  expect(result.text()).toContain("2160pYouTube offers it only over its own streaming protocol.");
  expect(result.get("h3").text()).toBe("Best quality");
  preferences.value.lines = 480;
  await vi.waitFor(() => expect(result.get("h3").text()).toBe("Best for your settings"));
  preferences.value.lines = "any";
});
