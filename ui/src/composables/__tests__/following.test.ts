import { expect, test, vi } from "vitest";
import { effectScope } from "vue";
import { media, task } from "../../media/__tests__/samples.ts";
import { useFollowing } from "../following.ts";
import { visits } from "../history.ts";
import { queryClient } from "../queries.ts";
import { keep, tasks } from "../tasks.ts";
import { answer, Events, fetching, useNetwork } from "./network.ts";

useNetwork();

function following() {
  const scope = effectScope();
  scope.run(useFollowing);
  return () => {
    scope.stop();
    queryClient.clear();
    visits.value = [];
  };
}

test("every unfinished task is followed over one stream, and a result is remembered once", () => {
  const leave = following();
  keep(task({ state: "pending" }));
  keep(task({ task_id: "t2", media_id: "abcdefghijk" }));
  expect(Events.latest.url.search).toBe("?task_id=t1&task_id=t2");
  Events.latest.send(task({ state: "completed", result: media({ title: "Seen" }) }));
  Events.latest.send(task({ state: "completed", result: media({ title: "Seen twice" }) }));
  expect(visits.value.map((visit) => visit.title)).toEqual(["Seen"]);
  Events.latest.send(task({ task_id: "t2", media_id: "abcdefghijk", state: "failed" }));
  expect(Events.latest.isClosed).toBe(true);
  leave();
});

test("a task that got lost has failed, with its reason; a lost key is asked for again", async () => {
  const leave = following();
  const rechecked = vi.spyOn(queryClient, "invalidateQueries");
  fetching.mockResolvedValue(answer({ code: "unauthorized", status: 401, title: "", detail: "" }, 401));
  keep(task());
  Events.latest.end();
  await vi.waitFor(() =>
    expect(tasks()[0]).toMatchObject({ state: "failed", problem: { code: "unauthorized" } })
  );
  expect(rechecked).toHaveBeenCalledWith({ queryKey: ["session"] });
  leave();
});
