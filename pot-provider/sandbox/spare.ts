import type { Deadline } from "../deadline.ts";
import { Failure } from "../failure.ts";
import type { ExitReason } from "./process.ts";
import { Sandbox } from "./process.ts";

export type SpareState = "none" | "starting" | "warm";

/** Keeps one sandbox started and unused, since starting one is most of the time a first token takes. */
export class Spare {
  #sandbox: Sandbox | null = null;
  #state: SpareState = "none";
  #hasWorked = false;
  #isClosed = false;
  readonly #alive = new Set<Sandbox>();

  constructor(
    readonly onExit: (reason: ExitReason) => void,
    readonly start: () => Sandbox = () => new Sandbox(),
  ) {}

  get state(): SpareState {
    return this.#state;
  }

  /** Whether a sandbox could ever be started here. */
  get hasWorked(): boolean {
    return this.#hasWorked;
  }

  /** How many sandboxes live, the spare included. */
  get alive(): number {
    return this.#alive.size;
  }

  /** Begin to warm one up, unless there is one or none is wanted any more. Does not wait. */
  warm(deadline: Deadline): void {
    if (this.#sandbox || this.#isClosed) return;
    const sandbox = this.#open();
    this.#sandbox = sandbox;
    this.#state = "starting";
    sandbox.started(deadline).then(() => {
      this.#hasWorked = true;
      if (this.#sandbox === sandbox) this.#state = "warm";
    }, () => {});
  }

  /**
   * The spare, if there is one, or a new one; not necessarily ready yet. The caller owns it.
   *
   * @throws {Failure} after the end.
   */
  take(): Sandbox {
    if (this.#isClosed) throw new Failure("sandbox", "the token service is being stopped");
    const sandbox = this.#sandbox ?? this.#open();
    this.#forget();
    return sandbox;
  }

  /** End every sandbox there is, and start no more: what fails for want of one must not leave another behind. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const ending = [...this.#alive].map((sandbox) => {
      sandbox.kill("retired");
      return sandbox.ended;
    });
    await Promise.all(ending);
  }

  #forget(): void {
    this.#sandbox = null;
    this.#state = "none";
  }

  #open(): Sandbox {
    const sandbox = this.start();
    this.#alive.add(sandbox);
    sandbox.ended.then((reason) => {
      this.#alive.delete(sandbox);
      if (this.#sandbox === sandbox) this.#forget();
      this.onExit(reason);
    });
    return sandbox;
  }
}
