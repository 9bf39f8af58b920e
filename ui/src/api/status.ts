import { address, type Options, statusApi } from "./client.ts";
import type { Task } from "./schemas.ts";

/** The task, at once or, with `wait` seconds (at most 30), as soon as it changes. */
export async function getTask(
  task_id: string,
  { wait = 0, signal }: Options & { wait?: number } = {},
): Promise<Task> {
  const { data } = await statusApi.GET("/v1/status/{task_id}", {
    params: { path: { task_id }, query: { wait } },
    ...(signal && { signal }),
  });
  return data!;
}

export interface Listener {
  onTask(task: Task): void;
  /** The connection has ended or cannot be made. */
  onEnd(): void;
}

/** Events of all these tasks over one connection, until the function returned is called. */
export function openEvents(taskIds: readonly string[], { onTask, onEnd }: Listener): () => void {
  const url = address("v1/status/events");
  for (const id of taskIds) url.searchParams.append("task_id", id);
  const source = new EventSource(url);
  source.addEventListener("task", ({ data }: MessageEvent<string>) => onTask(JSON.parse(data) as Task));
  source.addEventListener("error", () => {
    source.close(); // it would reconnect by itself, with ids that may be final by then
    onEnd();
  });
  return () => source.close();
}
