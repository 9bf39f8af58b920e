/** Follows tasks over the best channel that works: one stream of events, then long polls, then plain polls. */
import { ProblemError, unreachable } from "../api/problem.ts";
import { isFinal, type Problem, type Task } from "../api/schemas.ts";
import { getTask, openEvents } from "../api/status.ts";

export type Channel = "events" | "long_poll" | "poll";

export interface Hearing {
  onTask(task: Task): void;
  /** This task cannot be followed any more. */
  onLost(taskId: string, problem: Problem): void;
}

const MOST_TASKS = 50; // of one stream
const MOST_WAITS = 3; // browsers open six connections to one host, and downloads need some of them
const WAIT = 25; // seconds; the function allows 30
const SILENCE = 5_000; // ms; the first event comes at once, unless something on the way holds events back
const PAUSE = 2_000; // ms
const LOST: readonly string[] = ["unknown_task", "unauthorized", "invalid_request"];

export class Follower {
  channel: Channel = "events";
  #ids: string[] = [];
  #close: () => void = () => {};
  #failures = 0;

  constructor(private readonly hearing: Hearing) {}

  /** From now on these and no others. */
  follow(taskIds: readonly string[]): void {
    const ids = taskIds.slice(0, MOST_TASKS).toSorted();
    if (ids.join() === this.#ids.join()) return;
    const isFewer = ids.every((id) => this.#ids.includes(id));
    this.#ids = ids;
    if (isFewer && ids.length > 0) return; // the channel tells of the rest as well
    this.#open();
  }

  stop(): void {
    this.#ids = [];
    this.#close();
  }

  #open(): void {
    this.#close();
    this.#close = () => {};
    if (this.#ids.length === 0) return;
    if (this.channel === "events") this.#listen();
    else this.#ask();
  }

  #listen(): void {
    let hasHeard = false;
    const stop = openEvents(this.#ids, {
      onTask: (task) => {
        hasHeard = true;
        this.#failures = 0;
        clearTimeout(silence);
        this.hearing.onTask(task);
      },
      onEnd: () => fail(hasHeard ? PAUSE : 0),
    });
    const silence = setTimeout(() => fail(0), SILENCE);
    let reopening: ReturnType<typeof setTimeout> | undefined;
    const fail = (pause: number) => {
      this.#close();
      this.#failures += 1;
      if (!hasHeard || this.#failures > 2) this.channel = "long_poll";
      reopening = setTimeout(() => this.#open(), pause);
    };
    this.#close = () => {
      stop();
      clearTimeout(silence);
      clearTimeout(reopening);
    };
  }

  #ask(): void {
    const leaving = new AbortController();
    this.#close = () => leaving.abort();
    for (const id of this.#ids) void this.#pursue(id, leaving.signal);
  }

  async #pursue(id: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#ids.includes(id)) {
      const wait = this.channel === "long_poll" && this.#ids.length <= MOST_WAITS ? WAIT : 0;
      try {
        const task = await getTask(id, { wait, signal });
        this.hearing.onTask(task);
        if (isFinal(task)) return;
      } catch (error) {
        if (signal.aborted) return;
        const problem = error instanceof ProblemError ? error.problem : unreachable();
        if (LOST.includes(problem.code)) return this.hearing.onLost(id, problem);
        this.channel = "poll"; // something on the way does not bear long answers, or nothing answers at all
      }
      if (wait === 0 || this.channel === "poll") await pause(Math.max(PAUSE, this.#ids.length * 200), signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}
