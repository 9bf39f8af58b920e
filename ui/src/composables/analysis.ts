import { onScopeDispose, type Ref, ref, type ShallowRef, shallowRef } from "vue";
import { analyze } from "../api/analyze.ts";
import { ProblemError } from "../api/http.ts";
import { isFinal, type Problem, type Task } from "../api/schemas.ts";
import { follow } from "../api/status.ts";

export interface Analysis {
  task: Readonly<ShallowRef<Task | null>>;
  /** Why the request failed; why the analysis failed is in the task. */
  problem: Readonly<ShallowRef<Problem | null>>;
  isBusy: Readonly<Ref<boolean>>;
  submit(url: string): Promise<void>;
}

/** One analysis at a time, from the link to its final state; a new one replaces it. */
export function useAnalysis(): Analysis {
  const task = shallowRef<Task | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const isBusy = ref(false);
  let current = new AbortController();
  onScopeDispose(() => current.abort());

  async function submit(url: string): Promise<void> {
    current.abort();
    const { signal } = current = new AbortController();
    task.value = problem.value = null;
    isBusy.value = true;
    try {
      task.value = await analyze(url, { signal });
      if (!isFinal(task.value)) {
        await follow(task.value.task_id, (next) => task.value = next, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ProblemError)) throw error;
      problem.value = error.problem;
    } finally {
      if (!signal.aborted) isBusy.value = false;
    }
  }

  return { task, problem, isBusy, submit };
}
