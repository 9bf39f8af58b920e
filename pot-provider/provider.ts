/** One minter for each identity, made when first needed, renewed while the old one still serves. */

import { Deadline } from "./deadline.ts";
import { Failure } from "./failure.ts";
import type { Minter } from "./minter.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import type { Question } from "./question.ts";
import { Turns } from "./turns.ts";

export interface Token {
  readonly token: string;
  readonly expiresAt: number;
}

/** Makes a minter; the provider's only way to the outside. */
export type Attest = (question: Question, deadline: Deadline) => Promise<Minter>;

interface Options {
  readonly now?: () => number;
  readonly patience?: Pick<Patience, "token" | "attestation">;
}

/** What is known about one identity. */
interface Entry {
  /** The last question that came, which also says how to renew. */
  question: Question;
  usedAt: number;
  minter: Minter | null;
  attestation: Promise<Minter> | null;
  failure: { readonly error: Failure; readonly until: number } | null;
}

/** Each is a process of some 130 MB. */
const MOST_MINTERS = 4;
const MOST_ENTRIES = 64;
const MOST_ATTESTATIONS = 2;
/** How long a failure is repeated without asking Google again, which may just have blocked this address. */
const FAILURE_KEPT = 10_000;
const RENEWAL_FAILURE_KEPT = 60_000;
/** A minter this young is as good as a new one, whatever a caller thinks of its tokens. */
const YOUNG = 10_000;
/** Identities nobody has used for so long are not renewed ahead of need. */
const IDLE = 60 * 60_000;

export class Provider {
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #turns = new Turns(MOST_ATTESTATIONS);

  readonly #now: () => number;
  readonly #patience: Pick<Patience, "token" | "attestation">;

  constructor(readonly attest: Attest, { now = Date.now, patience = PATIENCE }: Options = {}) {
    this.#now = now;
    this.#patience = patience;
  }

  /**
   * A token for the content of a question.
   *
   * @throws {Failure}
   */
  async token(question: Question): Promise<Token> {
    const deadline = new Deadline(this.#patience.token);
    const entry = this.#entry(question);
    try {
      return await this.#mint(entry, question, deadline, question.bypassCache);
    } catch (error) {
      const failure = Failure.of(error, "mint");
      // Its sandbox may have died, or its state gone bad: that is worth one new one.
      if (!["mint", "sandbox"].includes(failure.stage) || entry.failure) throw failure;
    }
    try {
      return await this.#mint(entry, question, deadline, false);
    } catch (error) {
      const failure = Failure.of(error, "mint");
      entry.failure ??= { error: failure, until: this.#now() + FAILURE_KEPT };
      throw failure;
    }
  }

  /** Renew what will expire soon, drop what has. To be called now and then. */
  tend(): void {
    for (const [identity, entry] of this.#entries) {
      const now = this.#now();
      if (entry.minter && !entry.minter.isUsable(now)) this.#discard(entry);
      if (entry.failure && entry.failure.until <= now) entry.failure = null;
      const isWanted = entry.minter && now - entry.usedAt < IDLE;
      if (isWanted) this.#renew(entry);
      if (!entry.minter && !entry.attestation && !entry.failure) this.#entries.delete(identity);
    }
  }

  /** Forget every minter and every failure. */
  invalidate(): void {
    for (const entry of this.#entries.values()) {
      entry.failure = null;
      this.#discard(entry);
    }
  }

  /** The identities that have a minter, as they may be shown. */
  labels(): string[] {
    const now = this.#now();
    return [...this.#entries.values()].filter((entry) => entry.minter?.isUsable(now)).map((entry) =>
      entry.question.label
    );
  }

  async #mint(entry: Entry, question: Question, deadline: Deadline, isFresh: boolean): Promise<Token> {
    const minter = await deadline.bound("attestation", () => this.#minter(entry, isFresh));
    try {
      return { token: await minter.mint(question.contentBinding, deadline), expiresAt: minter.expiresAt };
    } catch (error) {
      if (entry.minter === minter) this.#discard(entry);
      throw error;
    }
  }

  async #minter(entry: Entry, isFresh: boolean): Promise<Minter> {
    const now = this.#now();
    const { minter, failure } = entry;
    if (minter?.isUsable(now) && !(isFresh && now - minter.madeAt > YOUNG)) {
      this.#renew(entry);
      return minter;
    }
    if (failure && now < failure.until) throw failure.error;
    return await this.#attestation(entry);
  }

  /** If its time has come, begin to make the successor of a minter that still serves. */
  #renew(entry: Entry): void {
    const now = this.#now();
    const isBlocked = entry.failure && now < entry.failure.until;
    if (entry.minter && now >= entry.minter.renewAt && !isBlocked) this.#attestation(entry).catch(() => {});
  }

  /** One attestation at a time for each identity; everybody who needs it waits for the same. */
  #attestation(entry: Entry): Promise<Minter> {
    return entry.attestation ??= this.#attest(entry).finally(() => entry.attestation = null);
  }

  async #attest(entry: Entry): Promise<Minter> {
    const deadline = new Deadline(this.#patience.attestation);
    try {
      const made = await this.#turns.take(deadline, () => this.attest(entry.question, deadline));
      this.#discard(entry);
      entry.minter = made;
      entry.failure = null;
      this.#limit();
      return made;
    } catch (error) {
      const failure = Failure.of(error, "attestation");
      const kept = entry.minter?.isUsable(this.#now()) ? RENEWAL_FAILURE_KEPT : FAILURE_KEPT;
      entry.failure = { error: failure, until: this.#now() + kept };
      throw failure;
    }
  }

  #entry(question: Question): Entry {
    const known = this.#entries.get(question.identity);
    const entry = known ?? { question, usedAt: 0, minter: null, attestation: null, failure: null };
    entry.question = question;
    entry.usedAt = this.#now();
    this.#entries.delete(question.identity); // to the end of the order
    this.#entries.set(question.identity, entry);
    if (!known) this.#limit();
    return entry;
  }

  /** What has not been used for longest goes first; what is being made stays. */
  #limit(): void {
    let minters = [...this.#entries.values()].filter((entry) => entry.minter).length;
    for (const [identity, entry] of this.#entries) {
      const isCrowded = this.#entries.size > MOST_ENTRIES;
      if (!isCrowded && minters <= MOST_MINTERS) return;
      if (entry.attestation || !(isCrowded || entry.minter)) continue;
      if (entry.minter) minters--;
      this.#discard(entry);
      this.#entries.delete(identity);
    }
  }

  #discard(entry: Entry): void {
    entry.minter?.retire();
    entry.minter = null;
  }
}
