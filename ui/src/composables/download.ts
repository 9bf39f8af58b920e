import { tryOnScopeDispose, useTimeoutFn } from "@vueuse/core";
import { readonly, type Ref, shallowRef } from "vue";
import { problemOf } from "../api/problem.ts";
import type { Problem } from "../api/schemas.ts";
import { askForFile } from "../api/stream.ts";

export type DownloadState =
  | { is: "idle" | "asking" | "started" }
  | { is: "waiting"; until: number; problem: Problem }
  | { is: "refused"; problem: Problem };

export interface Download {
  state: Readonly<Ref<DownloadState>>;
  /** Starts as soon as there is a place; `go` hands the link to the browser's own download manager. */
  start(url: string, go: () => void): Promise<void>;
  cancel(): void;
}

const WORTH_WAITING = [
  "too_many_downloads",
  "analysis_pending",
  "rate_limited",
  "queue_full",
  "store_unavailable",
];
const NOTICE = 4_000; // ms for which "started" is shown
const DEFAULT_WAIT = 5; // seconds

/** A refusal is shown on the page instead of being saved as a file, and waits that help are waited for. */
export function useDownload(): Download {
  const state = shallowRef<DownloadState>({ is: "idle" });
  let leaving = new AbortController();
  const rest = useTimeoutFn(() => state.value = { is: "idle" }, NOTICE, { immediate: false });

  async function start(url: string, go: () => void): Promise<void> {
    cancel();
    const { signal } = leaving;
    state.value = { is: "asking" };
    try {
      await askForFile(url, { signal });
    } catch (error) {
      if (!signal.aborted) refuse(problemOf(error), () => start(url, go));
      return;
    }
    if (signal.aborted) return;
    go();
    state.value = { is: "started" };
    rest.start();
  }

  function refuse(problem: Problem, again: () => Promise<void>): void {
    if (!WORTH_WAITING.includes(problem.code)) {
      state.value = { is: "refused", problem };
      return;
    }
    const wait = 1000 * (problem.retry_after ?? DEFAULT_WAIT);
    const timer = setTimeout(again, wait);
    leaving.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    state.value = { is: "waiting", until: Date.now() + wait, problem };
  }

  function cancel(): void {
    leaving.abort();
    leaving = new AbortController();
    rest.stop();
    state.value = { is: "idle" };
  }

  tryOnScopeDispose(() => leaving.abort());
  return { state: readonly(state) as Readonly<Ref<DownloadState>>, start, cancel };
}
