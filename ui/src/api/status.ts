import { type Options, request, resolve } from "./http.ts";
import { isFinal, type Task } from "./schemas.ts";

const WAIT = 25; // seconds; the function allows 30

/** The task, at once or, with `wait`, as soon as it changes. */
export function getTask(id: string, { wait = 0, signal }: Options & { wait?: number } = {}): Promise<Task> {
  return request(`v1/status/${encodeURIComponent(id)}?wait=${wait}`, signal ? { signal } : {});
}

/** Tells `onTask` every change until the final one: over events, or by asking again where they do not get through. */
export async function follow(id: string, onTask: (task: Task) => void, signal: AbortSignal): Promise<void> {
  if (await followEvents(id, onTask, signal)) return;
  let task: Task;
  do {
    task = await getTask(id, { wait: WAIT, signal });
    onTask(task);
  } while (!isFinal(task));
}

/** Whether the final task has come. */
function followEvents(id: string, onTask: (task: Task) => void, signal: AbortSignal): Promise<boolean> {
  return new Promise((done, stopped) => {
    const url = resolve("v1/status/events");
    url.searchParams.set("task_id", id);
    const source = new EventSource(url);
    const end = (isComplete: boolean) => {
      source.close();
      done(isComplete);
    };
    source.addEventListener("task", (event) => {
      const task = JSON.parse((event as MessageEvent<string>).data) as Task;
      onTask(task);
      if (isFinal(task)) end(true);
    });
    source.addEventListener("error", () => end(false));
    signal.addEventListener("abort", () => {
      source.close();
      stopped(signal.reason);
    });
  });
}
