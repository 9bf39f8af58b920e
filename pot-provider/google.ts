/** Every word said to Google, and nothing but bounded answers taken. */

import { buildURL, getHeaders } from "bgutils-js/utils";
import { type Challenge, challengeIn, type Page, readPage, recordOf } from "./challenge.ts";
import type { Deadline } from "./deadline.ts";
import { explain } from "./explanation.ts";
import { Failure, type Stage } from "./failure.ts";
import { allowedUrl } from "./hosts.ts";
import { boundedText } from "./reading.ts";

export type Fetch = (url: URL, init: RequestInit) => Promise<Response>;

export interface IntegrityToken {
  readonly token: string;
  readonly lifetime: number;
  /** Seconds before the end of the lifetime at which Google wants it renewed. */
  readonly renewal: number;
}

/** The browser the sandbox looks like. */
export const USER_AGENT =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
/** The key under which YouTube's pages ask for attestation. */
const REQUEST_KEY = "O43z0dpjhgX20SCx4KAo";
const PATIENCE = 8_000;
const MOST = { page: 8 << 20, interpreter: 2 << 20, answer: 1 << 20 };
const DAYS = 86_400;

/** One conversation with Google, by one exit. */
export class Google {
  constructor(readonly fetch: Fetch, readonly deadline: Deadline, readonly isProxied = false) {}

  /** The home page's challenge and configuration. */
  async homePage(): Promise<Page> {
    // SOCS=CAI is the choice "reject all", without which European addresses only see a consent form.
    const headers = { "accept-language": "en-US,en;q=0.9", cookie: "SOCS=CAI" };
    const page = readPage(await this.#get("home page", "https://www.youtube.com/", MOST.page, { headers }));
    if (!page) throw new Failure("home page", "it carries no EVENT_ID");
    return page;
  }

  /** The program that runs challenges. */
  interpreter(url: string): Promise<string> {
    return this.#get("interpreter", url, MOST.interpreter);
  }

  /** A challenge without a page. */
  async challenge(context: Record<string, unknown>, attestationToken: string | null): Promise<Challenge> {
    const answer = await this.#post(
      "challenge",
      "https://www.youtube.com/youtubei/v1/att/get?prettyPrint=false",
      {
        context,
        engagementType: "ENGAGEMENT_TYPE_UNBOUND",
        ...(attestationToken && { eacrToken: attestationToken }),
      },
      { "content-type": "application/json" },
    );
    const challenge = challengeIn(answer);
    if (!challenge) throw new Failure("challenge", "the answer holds none that could be run");
    return challenge;
  }

  /** What Google gives for the interpreter's answer to the challenge. */
  async integrityToken(response: string): Promise<IntegrityToken> {
    const answer = await this.#post(
      "integrity token",
      buildURL("GenerateIT"),
      [REQUEST_KEY, response],
      getHeaders(),
    );
    const [token, lifetime, renewal] = Array.isArray(answer) ? answer as unknown[] : [];
    if (typeof token !== "string" || !token) throw new Failure("integrity token", "Google gave none");
    return { token, lifetime: seconds(lifetime, DAYS / 2), renewal: seconds(renewal, 0) };
  }

  async #post(stage: Stage, url: string, body: unknown, headers: HeadersInit): Promise<unknown> {
    const text = await this.#get(stage, url, MOST.answer, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    try {
      const value: unknown = JSON.parse(text);
      if (Array.isArray(value) || recordOf(value)) return value;
    } catch {
      // as for any other answer that is none
    }
    throw new Failure(stage, "the answer is no JSON");
  }

  #get(stage: Stage, written: string, most: number, init: RequestInit = {}): Promise<string> {
    const url = allowedUrl(written, stage);
    const headers = new Headers(init.headers);
    headers.set("user-agent", USER_AGENT);
    return this.deadline.bound(stage, async (signal) => {
      try {
        // A redirection is an answer like any other that is not 200: followed, it would leave the list of hosts.
        const answer = await this.fetch(url, { ...init, headers, signal, redirect: "manual" });
        if (answer.status !== 200) {
          await answer.body?.cancel();
          throw new Failure(stage, `HTTP ${answer.status}${destination(answer)}`);
        }
        return await boundedText(answer.body, most);
      } catch (error) {
        throw signal.aborted ? signal.reason : explain(error, stage, this.isProxied);
      }
    }, PATIENCE);
  }
}

function destination(answer: Response): string {
  const target = URL.parse(answer.headers.get("location") ?? "", "https://www.youtube.com/");
  return answer.status >= 300 && answer.status < 400 && target ? ` to ${target.hostname}` : "";
}

function seconds(value: unknown, fallback: number): number {
  return typeof value === "number" && value >= 0 && value <= 30 * DAYS ? value : fallback;
}
