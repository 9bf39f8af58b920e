import { skipToken, useQuery, type UseQueryReturnType } from "@tanstack/vue-query";
import { computed, type MaybeRefOrGetter, type Ref, toValue } from "vue";
import { analyze } from "../api/analyze.ts";
import { ProblemError } from "../api/problem.ts";
import { isFinal, type Task } from "../api/schemas.ts";
import { merged } from "../media/merging.ts";
import { queryClient } from "./queries.ts";
import { recheck } from "./session.ts";

const KEY = "task";

/** The analysis of a video: joined or begun when somebody looks, kept up to date by `useFollowing`. */
export function useTask(mediaId: MaybeRefOrGetter<string>): UseQueryReturnType<Task, Error> {
  return useQuery({
    queryKey: [KEY, computed(() => toValue(mediaId))],
    queryFn: ({ signal }) => begin(toValue(mediaId), { signal }),
    staleTime: Infinity,
  });
}

/** What is known of a video's analysis, without beginning one. */
export function useKnownTask(mediaId: MaybeRefOrGetter<string | null>): Readonly<Ref<Task | undefined>> {
  const key = [KEY, computed(() => toValue(mediaId))];
  return useQuery<Task>({ queryKey: key, queryFn: skipToken, enabled: false }).data;
}

/** Analyse anew; `refresh` also where there is a fresh result. */
export async function begin(
  link: string,
  options: { refresh?: boolean; signal?: AbortSignal } = {},
): Promise<Task> {
  try {
    const task = await analyze(link, options);
    return keep(task);
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === "unauthorized") void recheck();
    throw error;
  }
}

/** News, from wherever it comes. */
export function keep(news: Task): Task {
  const key = [KEY, news.media_id];
  const task = merged(queryClient.getQueryData<Task>(key), news);
  queryClient.setQueryData(key, task);
  return task;
}

/** All that are known. */
export function tasks(): Task[] {
  return queryClient.getQueriesData<Task>({ queryKey: [KEY] }).flatMap(([, task]) => task ? [task] : []);
}

export function unfinished(): Task[] {
  return tasks().filter((task) => !isFinal(task));
}

/** Tells of every change to any task, until the function returned is called. */
export function onTasks(listener: () => void): () => void {
  return queryClient.getQueryCache().subscribe(({ type, query }) => {
    if (type === "updated" && query.queryKey[0] === KEY) listener();
  });
}
