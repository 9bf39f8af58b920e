/**
 * What YouTube sets: a program, and the interpreter to run it in. Read from the home page, from what the plugin sent
 * or from /att/get, and never trusted.
 */

import { type Literal, readLiteral } from "./literal.ts";

export interface Challenge {
  readonly program: string;
  readonly globalName: string;
  readonly interpreterUrl: string | null;
  readonly interpreterScript: string | null;
}

/** The challenge of a page, and what belongs to it. */
export interface Page {
  /** The page's `yt.config_`. Its EVENT_ID is what YouTube binds the challenge to. */
  readonly config: Record<string, unknown>;
  readonly challenge: Challenge | null;
  /** What /att/get wants to see of a page whose own challenge is of no use. */
  readonly attestationToken: string | null;
}

const IDENTIFIER = /^[A-Za-z_$][\w$]{0,63}$/;
const SMALLEST_INTERPRETER = 1024;
const CONFIGURATION = /\bytcfg\s*\.\s*set\s*\(\s*(?=\{)/g;
const ATTESTATION = /\bwindow\s*\.\s*ytAtN\s*\(\s*(?=\{)/g;
/** The older way of saying it. */
const ATTESTATION_TEXT = /\bwindow\s*\.\s*ytAtR\s*=\s*(?=['"])/g;

/** What a home page says; null without an EVENT_ID, since then nothing of it is of use. */
export function readPage(html: string): Page | null {
  // As the page itself does: what is set later is laid over what was set before.
  const config: Record<string, unknown> = Object.assign({}, ...literals(html, CONFIGURATION));
  if (!textOf(config.EVENT_ID)) return null;
  const attestation = recordOf(literals(html, ATTESTATION)[0]);
  return {
    config,
    challenge: challengeIn(attestation?.R ?? literals(html, ATTESTATION_TEXT)[0]),
    attestationToken: textOf(attestation?.T),
  };
}

/** The challenge in an answer of YouTube: an object with `bgChallenge`, or its JSON. */
export function challengeIn(answer: unknown): Challenge | null {
  return readChallenge(recordOf(typeof answer === "string" ? parsed(answer) : answer)?.bgChallenge);
}

/**
 * A challenge as YouTube writes it; null if it cannot be run.
 *
 * Some pages carry an inline interpreter that does nothing, and no address of the real one.
 */
export function readChallenge(value: unknown): Challenge | null {
  const fields = recordOf(value);
  const program = textOf(fields?.program);
  const globalName = textOf(fields?.globalName);
  if (!fields || !program || !globalName || !IDENTIFIER.test(globalName)) return null;
  const interpreterUrl = wrapped(
    fields.interpreterUrl,
    "privateDoNotAccessOrElseTrustedResourceUrlWrappedValue",
  );
  const inline = wrapped(fields.interpreterJavascript, "privateDoNotAccessOrElseSafeScriptWrappedValue");
  const interpreterScript = inline && inline.length >= SMALLEST_INTERPRETER ? inline : null;
  if (!interpreterUrl && !interpreterScript) return null;
  return { program, globalName, interpreterUrl, interpreterScript };
}

/** What stands behind every occurrence of a pattern. */
function literals(html: string, pattern: RegExp): Literal[] {
  const found: Literal[] = [];
  for (const match of html.matchAll(pattern)) {
    try {
      found.push(readLiteral(html, match.index + match[0].length));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // one that is computed is none of ours
    }
  }
  return found;
}

function wrapped(holder: unknown, key: string): string | null {
  return textOf(recordOf(holder)?.[key]);
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

export function recordOf(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : null;
}

export function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
