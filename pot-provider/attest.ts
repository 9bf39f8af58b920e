/** From a challenge to a minter: everything that is said between Google and a sandbox. */

import { type Challenge, recordOf } from "./challenge.ts";
import { Failure } from "./failure.ts";
import { type Google, type IntegrityToken, USER_AGENT } from "./google.ts";
import { Minter } from "./minter.ts";
import type { Question } from "./question.ts";
import type { Sandbox } from "./sandbox/process.ts";

/** What is wanted of a question here: the same for every content. */
export type Occasion = Pick<Question, "challenge" | "innertubeContext">;

/** A challenge, and the page configuration it is bound to, if any. */
interface Setting {
  readonly challenge: Challenge;
  readonly config: Record<string, unknown> | null;
}

const SHORTEST_LIFETIME = 60;
const UNBOUND_LIFETIME = 15 * 60;
const RENEWAL = 300;

/**
 * Have a sandbox attested. It is the minter's from then on, and ended if this fails.
 *
 * @throws {Failure}
 */
export async function attest(
  occasion: Occasion,
  google: Google,
  sandbox: Sandbox,
  now = Date.now,
): Promise<Minter> {
  try {
    const starting = sandbox.started(google.deadline);
    starting.catch(() => {}); // told when it is needed
    const { challenge, config } = await findSetting(occasion, google);
    const interpreter = challenge.interpreterUrl
      ? await google.interpreter(challenge.interpreterUrl)
      : challenge.interpreterScript ?? "";
    await starting;
    const response = await sandbox.perform(
      {
        name: "attest",
        program: challenge.program,
        globalName: challenge.globalName,
        interpreter,
        config,
        userAgent: USER_AGENT,
        patience: google.deadline.remaining,
      },
      "attestation",
      google.deadline,
    );
    const integrity = await google.integrityToken(response);
    await sandbox.perform({ name: "install", integrityToken: integrity.token }, "mint", google.deadline);
    return minterOf(sandbox, integrity, config !== null, now());
  } catch (error) {
    sandbox.kill("retired");
    throw error;
  }
}

/**
 * The best challenge there is. One that is bound to the page it came on; only if there is none, the caller's (the
 * protocol does not carry the page it belongs to), and then one without a page: tokens made from those may be
 * rejected after a minute of media, but are better than nothing. What is told is why there is no better one.
 */
async function findSetting(occasion: Occasion, google: Google): Promise<Setting> {
  try {
    return await findBound(occasion, google);
  } catch (error) {
    if (occasion.challenge) return { challenge: occasion.challenge, config: null };
    const hasAsked = Failure.of(error, "home page").stage === "challenge"; // with the page, which is worth more
    if (hasAsked || !occasion.innertubeContext) throw error;
    return {
      challenge: await google.challenge(occasion.innertubeContext, null).catch(() => {
        throw error;
      }),
      config: null,
    };
  }
}

/** The home page's own challenge, or what YouTube gives in its place to those who have seen the page. */
async function findBound(occasion: Occasion, google: Google): Promise<Setting> {
  const page = await google.homePage();
  if (page.challenge) return { challenge: page.challenge, config: page.config };
  const context = recordOf(page.config.INNERTUBE_CONTEXT) ?? occasion.innertubeContext;
  if (!context) throw new Failure("home page", "it carries no challenge");
  return { challenge: await google.challenge(context, page.attestationToken), config: page.config };
}

/** A minter is renewed before it expires; one that may make bad tokens does not get old. */
function minterOf(sandbox: Sandbox, integrity: IntegrityToken, isBound: boolean, now: number): Minter {
  const longest = isBound ? Infinity : UNBOUND_LIFETIME;
  const lifetime = Math.min(Math.max(integrity.lifetime, SHORTEST_LIFETIME), longest);
  const renewal = Math.min(Math.max(integrity.renewal, RENEWAL), lifetime / 2);
  return new Minter(sandbox, now, now + (lifetime - renewal) * 1000, now + lifetime * 1000, isBound);
}
