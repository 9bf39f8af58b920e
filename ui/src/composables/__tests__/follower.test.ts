import { expect, test, vi } from "vitest";
import { task } from "../../media/__tests__/samples.ts";
import { Follower } from "../follower.ts";
import { answer, Events, fetching, useNetwork } from "./network.ts";

useNetwork();

function followed(...ids: string[]) {
  const hearing = { onTask: vi.fn(), onLost: vi.fn() };
  const follower = new Follower(hearing);
  follower.follow(ids);
  return { follower, hearing };
}

const DONE = task({ state: "completed" });

test("one stream tells of all tasks, and is opened anew only for more of them", () => {
  const { follower, hearing } = followed("t1", "t2");
  expect(Events.latest.url.search).toBe("?task_id=t1&task_id=t2");
  Events.latest.send(DONE);
  expect(hearing.onTask).toHaveBeenCalledWith(DONE);
  follower.follow(["t2"]);
  expect(Events.all).toHaveLength(1);
  follower.follow(["t2", "t3"]);
  expect(Events.all.map((events) => events.isClosed)).toEqual([true, false]);
  follower.follow([]);
  expect(Events.latest.isClosed).toBe(true);
});

test("a stream that was heard is opened again", () => {
  const { follower } = followed("t1");
  Events.latest.send(task());
  Events.latest.end();
  vi.advanceTimersByTime(2_000);
  expect(Events.all).toHaveLength(2);
  expect(follower.channel).toBe("events");
});

test.each(
  [["refused", () => Events.latest.end()], ["held back", () => vi.advanceTimersByTime(5_000)]] as const,
)("where events are %s, it waits for changes", async (_, happen) => {
  fetching.mockResolvedValueOnce(answer(task())).mockResolvedValueOnce(answer(DONE));
  const { follower, hearing } = followed("t1");
  happen();
  await vi.waitFor(() => expect(hearing.onTask).toHaveBeenLastCalledWith(DONE));
  expect(follower.channel).toBe("long_poll");
  expect(fetching.mock.lastCall?.[0].url).toMatch(/\/v1\/status\/t1\?wait=25$/);
});

test("where long answers do not get through either, it asks now and then", async () => {
  fetching.mockRejectedValueOnce(new TypeError("cut")).mockResolvedValueOnce(answer(DONE));
  const { follower, hearing } = followed("t1");
  Events.latest.end();
  await vi.waitFor(() => expect(follower.channel).toBe("poll"));
  await vi.advanceTimersByTimeAsync(2_000);
  await vi.waitFor(() => expect(hearing.onTask).toHaveBeenCalledWith(DONE));
  expect(fetching.mock.lastCall?.[0].url).toMatch(/\?wait=0$/);
});

test("a task nobody knows any more is lost, with its reason", async () => {
  fetching.mockResolvedValueOnce(answer({ code: "unknown_task", status: 404, title: "", detail: "" }, 404));
  const { hearing } = followed("t1");
  Events.latest.end();
  await vi.waitFor(() =>
    expect(hearing.onLost).toHaveBeenCalledWith("t1", expect.objectContaining({ code: "unknown_task" }))
  );
});

test("leaving closes everything, silently", async () => {
  fetching.mockImplementation((request) =>
    new Promise((_, refuse) => request.signal.addEventListener("abort", () => refuse(request.signal.reason)))
  );
  const { follower, hearing } = followed("t1");
  Events.latest.end();
  await vi.waitFor(() => expect(fetching).toHaveBeenCalled());
  follower.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(hearing.onLost).not.toHaveBeenCalled();
  expect(fetching).toHaveBeenCalledOnce();
});
