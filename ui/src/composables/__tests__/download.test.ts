import { expect, test, vi } from "vitest";
import { effectScope } from "vue";
import { useDownload } from "../download.ts";
import { answer, fetching, useNetwork } from "./network.ts";

useNetwork();

const FULL = { code: "too_many_downloads", status: 429, title: "", detail: "", retry_after: 10 };

function download() {
  const scope = effectScope();
  return { ...scope.run(useDownload)!, go: vi.fn(), leave: () => scope.stop() };
}

test("a file that can be had is handed to the browser", async () => {
  fetching.mockResolvedValueOnce(answer("x", 206));
  const { start, state, go } = download();
  await start("/v1/stream/a/18", go);
  expect(fetching.mock.lastCall?.[0].headers.get("range")).toBe("bytes=0-0");
  expect(go).toHaveBeenCalledOnce();
  expect(state.value.is).toBe("started");
  vi.advanceTimersByTime(5_000);
  expect(state.value.is).toBe("idle");
});

test("a link to another origin is not asked for, only followed", async () => {
  const { start, go } = download();
  await start("https://public.example/v1/stream/a/18", go);
  expect(fetching).not.toHaveBeenCalled();
  expect(go).toHaveBeenCalledOnce();
});

test("without a free place it says how long it waits, and starts by itself", async () => {
  fetching.mockResolvedValueOnce(answer(FULL, 429)).mockResolvedValueOnce(answer("x", 206));
  const { start, state, go } = download();
  await start("/v1/stream/a/18", go);
  expect(state.value).toMatchObject({ is: "waiting", until: Date.now() + 10_000, problem: FULL });
  expect(go).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(10_000);
  await vi.waitFor(() => expect(go).toHaveBeenCalledOnce());
});

test("waiting can be ended, and ends with the page", async () => {
  fetching.mockResolvedValue(answer(FULL, 429));
  const { start, state, go, cancel, leave } = download();
  await start("/v1/stream/a/18", go);
  cancel();
  expect(state.value.is).toBe("idle");
  leave();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(go).not.toHaveBeenCalled();
  expect(fetching).toHaveBeenCalledOnce();
});

test("a refusal is shown instead of being saved as a file", async () => {
  fetching.mockResolvedValueOnce(answer({ ...FULL, code: "source_changed", status: 412 }, 412));
  const { start, state, go } = download();
  await start("/v1/stream/a/18", go);
  expect(state.value).toMatchObject({ is: "refused", problem: { code: "source_changed" } });
  expect(go).not.toHaveBeenCalled();
});
