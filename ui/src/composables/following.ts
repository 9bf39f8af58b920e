import { tryOnScopeDispose } from "@vueuse/core";
import { Follower } from "./follower.ts";
import { remember } from "./history.ts";
import { recheck } from "./session.ts";
import { keep, onTasks, tasks, unfinished } from "./tasks.ts";

/** Once per page: every unfinished task is followed, over one connection for all, and every result is remembered. */
export function useFollowing(): void {
  const remembered = new Set<string>();
  const follower = new Follower({
    onTask: keep,
    onLost: (taskId, problem) => {
      if (problem.code === "unauthorized") void recheck();
      const task = tasks().find((known) => known.task_id === taskId);
      if (task) keep({ ...task, state: "failed", problem });
    },
  });
  const stop = onTasks(() => {
    follower.follow(unfinished().map((task) => task.task_id));
    for (const { task_id, result } of tasks()) {
      if (result && !remembered.has(task_id)) {
        remembered.add(task_id);
        remember(result);
      }
    }
  });
  tryOnScopeDispose(() => {
    stop();
    follower.stop();
  });
}
