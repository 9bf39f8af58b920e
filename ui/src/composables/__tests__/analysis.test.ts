import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { effectScope } from "vue";
import type { Problem, Task } from "../../api/schemas.ts";
import { useAnalysis } from "../analysis.ts";

const PENDING: Task = {
  task_id: "t1",
  state: "pending",
  progress: { percent: 0, phase: "queued", message: "" },
  attempt: 0,
  max_attempts: 5,
  queue_position: 1,
  result: null,
  problem: null,
};
const DONE: Task = { ...PENDING, state: "completed", queue_position: null };

class Events extends EventTarget {
  static latest: Events;
  isClosed = false;
  constructor(readonly url: URL) {
    super();
    Events.latest = this;
  }
  close(): void {
    this.isClosed = true;
  }
  send(task: Task): void {
    this.dispatchEvent(new MessageEvent("task", { data: JSON.stringify(task) }));
  }
}

const fetching = vi.fn<typeof fetch>();

function answer(body: unknown, status = 200): Response {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
}

beforeEach(() => {
  vi.stubGlobal("EventSource", Events);
  vi.stubGlobal("fetch", fetching);
});
afterEach(() => {
  vi.unstubAllGlobals();
  fetching.mockReset();
});

function analysis() {
  const scope = effectScope();
  return { ...scope.run(useAnalysis)!, leave: () => scope.stop() };
}

test("events lead to the final state", async () => {
  fetching.mockResolvedValueOnce(answer(PENDING, 202));
  const { submit, task, isBusy } = analysis();
  const submitted = submit("dQw4w9WgXcQ");
  await vi.waitFor(() => expect(task.value).toEqual(PENDING));
  expect(Events.latest.url.search).toBe("?task_id=t1");
  Events.latest.send(DONE);
  await submitted;
  expect(task.value).toEqual(DONE);
  expect(isBusy.value).toBe(false);
  expect(Events.latest.isClosed).toBe(true);
});

test("where events do not get through, it asks again and waits", async () => {
  fetching.mockResolvedValueOnce(answer(PENDING, 202)).mockResolvedValueOnce(answer(PENDING))
    .mockResolvedValueOnce(answer(DONE));
  const { submit, task } = analysis();
  const submitted = submit("dQw4w9WgXcQ");
  await vi.waitFor(() => expect(task.value).toEqual(PENDING));
  Events.latest.dispatchEvent(new Event("error"));
  await submitted;
  expect(task.value).toEqual(DONE);
  expect(String(fetching.mock.lastCall?.[0])).toMatch(/\/v1\/status\/t1\?wait=25$/);
});

test("what is cached needs no following", async () => {
  fetching.mockResolvedValueOnce(answer(DONE));
  const { submit, task } = analysis();
  await submit("dQw4w9WgXcQ");
  expect(task.value).toEqual(DONE);
  expect(fetching).toHaveBeenCalledOnce();
});

test("a refusal is a problem with its code", async () => {
  const refused: Problem = { code: "queue_full", status: 503, title: "", detail: "", retry_after: 30 };
  fetching.mockResolvedValueOnce(answer(refused, 503));
  const { submit, problem, isBusy } = analysis();
  await submit("dQw4w9WgXcQ");
  expect(problem.value).toEqual(refused);
  expect(isBusy.value).toBe(false);
});

test("no answer at all, and one that is no problem document, are problems too", async () => {
  const { submit, problem } = analysis();
  fetching.mockRejectedValueOnce(new TypeError("Failed to fetch"));
  await submit("dQw4w9WgXcQ");
  expect(problem.value?.code).toBe("unreachable");
  fetching.mockResolvedValueOnce(
    new Response("<h1>Bad Gateway</h1>", { status: 502, statusText: "Bad Gateway" }),
  );
  await submit("dQw4w9WgXcQ");
  expect(problem.value).toMatchObject({ code: "internal_error", detail: "502 Bad Gateway" });
});

test("leaving closes what is open, silently", async () => {
  fetching.mockResolvedValueOnce(answer(PENDING, 202));
  const { submit, task, problem, leave } = analysis();
  const submitted = submit("dQw4w9WgXcQ");
  await vi.waitFor(() => expect(task.value).toEqual(PENDING));
  leave();
  await submitted;
  expect(Events.latest.isClosed).toBe(true);
  expect(problem.value).toBeNull();
});
