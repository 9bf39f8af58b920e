/** The service's side of one sandbox: a child that can do nothing but compute, and lives no longer than it is wanted. */

import { recordOf } from "../challenge.ts";
import type { Deadline } from "../deadline.ts";
import { Failure, type Stage } from "../failure.ts";
import { boundedLines, boundedText } from "../reading.ts";
import { type Order, READY, type Task } from "./messages.ts";

/** retired: not needed any more; protocol: it said what no sandbox says; crashed: for reasons of its own. */
export type ExitReason = "retired" | "timeout" | "protocol" | "memory" | "crashed";

/** V8's own limit is for its heap; the system's, where it has one, also holds for buffers and WebAssembly. */
const LIMITED = 'ulimit -d "$0" 2>/dev/null; exec "$@"';
const DATA_KILOBYTES = 1_000_000; // of which some 550 000 are only reserved
const PERMISSIONS = [
  "--no-prompt",
  "--no-config",
  "--no-remote", // without these two, imports would be tried even with no right to the network
  "--cached-only",
  "--deny-import",
  "--ignore-env", // jsdom looks for variables; it finds none
  "--node-modules-dir=manual",
];
/** All its environment. Without a place for caches, there is none for localStorage and the like either. */
const ENVIRONMENT = { DENO_DIR: "/dev/null" };
const HEAP_MEGABYTES = 256;
const LONGEST_REPLY = 1 << 20;
const LONGEST_COMPLAINT = 64 << 10;
const START_PATIENCE = 12_000;

export class Sandbox {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, PromiseWithResolvers<string>>();
  readonly #ready = Promise.withResolvers<void>();
  #reason: ExitReason | null = null;
  #orders = 0;
  /** Why it ended. Never rejected. */
  readonly ended: Promise<ExitReason>;

  /** Begin to start one; `started` tells when it can be used. */
  constructor(program: URL = new URL("./main.ts", import.meta.url)) {
    const heap = `--v8-flags=--max-old-space-size=${HEAP_MEGABYTES}`;
    const command = [Deno.execPath(), "run", ...PERMISSIONS, heap, program.href];
    this.#child = new Deno.Command("/bin/sh", {
      args: ["-c", LIMITED, String(DATA_KILOBYTES), ...command],
      clearEnv: true,
      env: ENVIRONMENT,
      cwd: "/", // where the service lives is none of its business
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#ready.promise.catch(() => {}); // told to whoever asks
    this.ended = this.#live();
  }

  get isAlive(): boolean {
    return this.#reason === null;
  }

  /** Wait until it can be used. */
  started(deadline: Deadline): Promise<void> {
    return this.#limited("sandbox", deadline, START_PATIENCE, () => this.#ready.promise);
  }

  /**
   * Let it do something. What it answers was computed by foreign code: it is text, and no more is known about it.
   *
   * @throws {Failure} of the stage: it reported an error, ended, or took too long, which ends it.
   */
  perform(task: Task, stage: Stage, deadline: Deadline, atMost = Infinity): Promise<string> {
    return this.#limited(stage, deadline, atMost, async () => {
      if (!this.isAlive) throw new Failure("sandbox", `it has ended (${this.#reason})`);
      const id = ++this.#orders;
      const answer = Promise.withResolvers<string>();
      this.#waiting.set(id, answer);
      try {
        await this.#say({ id, task });
        return await answer.promise;
      } catch (error) {
        if (error instanceof Complaint) throw new Failure(stage, error.message);
        throw error;
      } finally {
        this.#waiting.delete(id);
      }
    });
  }

  /** End it at once. Idempotent. */
  kill(reason: ExitReason): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    try {
      this.#child.kill("SIGKILL"); // SIGTERM can be ignored
    } catch {
      // it has ended by itself
    }
  }

  async #limited<T>(stage: Stage, deadline: Deadline, atMost: number, work: () => Promise<T>): Promise<T> {
    return await deadline.bound(stage, (signal) => {
      signal.addEventListener("abort", () => this.kill("timeout"));
      return work();
    }, atMost);
  }

  async #say(order: Order): Promise<void> {
    try {
      await this.#input.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
    } catch {
      await this.ended; // which tells everyone who waits
    }
  }

  async #live(): Promise<ExitReason> {
    const [complaints] = await Promise.all([
      boundedText(this.#child.stderr, LONGEST_COMPLAINT).catch(() => this.kill("protocol")),
      this.#listen().catch(() => this.kill("protocol")),
    ]);
    const status = await this.#child.status;
    await this.#input.abort().catch(() => {});
    const reason = this.#reason ?? (/out of memory/i.test(complaints ?? "") ? "memory" : "crashed");
    this.#reason = reason;
    const code = status.signal ?? `code ${status.code}`;
    const failure = new Failure(
      "sandbox",
      reason === "crashed" ? `it ended with ${code}` : `it has ended (${reason})`,
    );
    this.#ready.reject(failure);
    for (const answer of this.#waiting.values()) answer.reject(failure);
    return reason;
  }

  async #listen(): Promise<void> {
    for await (const line of boundedLines(this.#child.stdout, LONGEST_REPLY)) {
      const message: unknown = JSON.parse(line);
      if (message === READY) this.#ready.resolve();
      else this.#hear(recordOf(message));
    }
  }

  #hear(reply: Record<string, unknown> | null): void {
    const answer = this.#waiting.get(Number(reply?.id));
    if (!reply || !answer) throw new Error("an answer to nothing");
    if (typeof reply.result === "string") answer.resolve(reply.result);
    else answer.reject(new Complaint(readable(reply.error)));
  }
}

/** What the sandbox reported. */
class Complaint extends Error {}

/** The interpreter decides this text: short, printable, and without anything as long as a token. */
function readable(error: unknown): string {
  const text = String(error).replace(/[^ -~]+/g, " ").replace(/[\w+/=-]{40,}/g, "…").trim();
  return text.slice(0, 200) || "no reason given";
}
