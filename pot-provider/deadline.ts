import { Failure, type Stage } from "./failure.ts";

/** A point in time by which something has to be over, handed down to every step of it. */
export class Deadline {
  readonly #end: number;

  constructor(milliseconds: number) {
    this.#end = performance.now() + milliseconds;
  }

  /** Milliseconds left, never negative. */
  get remaining(): number {
    return Math.max(0, this.#end - performance.now());
  }

  /**
   * Do something that stops when its signal is aborted: at the deadline, or earlier after `atMost` milliseconds.
   *
   * @throws {Failure} of the stage, when time was up.
   */
  async bound<T>(stage: Stage, work: (signal: AbortSignal) => Promise<T>, atMost = Infinity): Promise<T> {
    const patience = Math.min(this.remaining, atMost);
    const abort = new AbortController();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const failure = new Failure(stage, `no answer within ${(patience / 1000).toFixed(1)} s`);
      reject(failure);
      abort.abort(failure);
    }, patience);
    try {
      return await Promise.race([work(abort.signal), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
