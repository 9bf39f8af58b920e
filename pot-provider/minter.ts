import type { Deadline } from "./deadline.ts";
import { Failure } from "./failure.ts";
import type { Sandbox } from "./sandbox/process.ts";

const PATIENCE = 5_000;
const TOKEN = /^[\w-]{1,4096}={0,2}$/;

/** A sandbox that has been attested: it makes tokens for any content until its time is over. */
export class Minter {
  #pending = 0;
  #isRetired = false;

  /** @param isBound whether its challenge was bound to a page, so that its tokens are expected to hold */
  constructor(
    readonly sandbox: Sandbox,
    readonly madeAt: number,
    readonly renewAt: number,
    readonly expiresAt: number,
    readonly isBound: boolean,
  ) {}

  isUsable(now: number): boolean {
    return !this.#isRetired && this.sandbox.isAlive && now < this.expiresAt;
  }

  /** A token for some content. */
  async mint(contentBinding: string, deadline: Deadline): Promise<string> {
    this.#pending++;
    try {
      const token = await this.sandbox.perform({ name: "mint", contentBinding }, "mint", deadline, PATIENCE);
      if (!TOKEN.test(token)) throw new Failure("mint", "what the interpreter made is no token");
      return token;
    } finally {
      this.#pending--;
      if (this.#isRetired) this.retire();
    }
  }

  /** End it once nobody waits for a token of it. */
  retire(): void {
    this.#isRetired = true;
    if (this.#pending === 0) this.sandbox.kill("retired");
  }
}
