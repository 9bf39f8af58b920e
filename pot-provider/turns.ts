import type { Deadline } from "./deadline.ts";
import { Failure } from "./failure.ts";

/** Lets only so many do something at once; the others wait, in the order they came. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Do it when it is its turn, or fail at the deadline. */
  async take<T>(deadline: Deadline, work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await this.#turn(deadline);
    else this.#free--;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }

  async #turn(deadline: Deadline): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    try {
      await deadline.bound("sandbox", () => promise);
    } catch {
      const index = this.#waiting.indexOf(resolve);
      // Gone from the line: called at the very moment. The turn goes to the next.
      if (index < 0) this.#waiting.shift()?.();
      else this.#waiting.splice(index, 1);
      throw new Failure("sandbox", "too many attestations at once");
    }
  }
}
