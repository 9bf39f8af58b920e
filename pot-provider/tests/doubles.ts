/** Google and a plugin's question, as tests need them. */

import { Deadline } from "../deadline.ts";
import { type Fetch, Google } from "../google.ts";
import { type Question, readQuestion } from "../question.ts";

export const INTERPRETER = await Deno.readTextFile(new URL("./interpreter.js", import.meta.url));
export const INTERPRETER_URL = "//www.google.com/js/th/synthetic.js";
export const EVENT_ID = "event-of-this-page";

/** A challenge as YouTube writes it. The program is JavaScript for the synthetic interpreter. */
export function challengeOf(program = " ", changes: Record<string, unknown> = {}): Record<string, unknown> {
  const interpreterUrl = { privateDoNotAccessOrElseTrustedResourceUrlWrappedValue: INTERPRETER_URL };
  return { program, globalName: "trayride", interpreterHash: "h", interpreterUrl, ...changes };
}

/** A home page with everything on it, or with a challenge of one's own. */
export function pageOf(challenge: unknown = challengeOf()): string {
  const written = JSON.stringify({ bgChallenge: challenge }).replace(
    /["{}<]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16)}`,
  ).replaceAll("'", "\\'");
  return `<html><script>ytcfg.set({"EVENT_ID": "older", "A": [1, {"B": true}]});ytcfg.set(window.later);
    ytcfg.set({"EVENT_ID": "${EVENT_ID}", "INNERTUBE_CONTEXT": {"client": {"clientName": "WEB"}}});
    window.ytAtN({'R': '${written}', T: 'page token',});</script></html>`;
}

type Answer = (init: RequestInit) => Response | Promise<Response>;

/** What was asked for, and the answers: changed by tests, complete otherwise. */
export class GoogleDouble {
  readonly asked: string[] = [];
  readonly bodies: unknown[] = [];
  readonly answers: Record<string, Answer> = {
    "https://www.youtube.com/": () => new Response(pageOf()),
    "https://www.google.com/js/th/synthetic.js": () => new Response(INTERPRETER),
    "https://www.youtube.com/youtubei/v1/att/get": () => Response.json({ bgChallenge: challengeOf() }),
    "https://jnn-pa.googleapis.com/$rpc/google.internal.waa.v1.Waa/GenerateIT": ({ body }) => {
      const [, answer] = JSON.parse(String(body));
      return Response.json(this.accepted.includes(answer) ? [btoa("integrity"), 43200, 300] : []);
    },
  };
  /** The interpreter's answers that Google takes: made from this page and no other. */
  accepted = [`!answer:${EVENT_ID}:YouTube`];

  readonly fetch: Fetch = async (url, init) => {
    const place = url.origin + url.pathname;
    this.asked.push(place.replace("https://", ""));
    if (init.body) this.bodies.push(JSON.parse(String(init.body)));
    const answer = this.answers[place];
    if (!answer) throw new TypeError("fetch failed");
    return await answer(init);
  };

  talk(milliseconds = 10_000): Google {
    return new Google(this.fetch, new Deadline(milliseconds));
  }
}

/** A question as the plugin asks it. */
export function questionOf(fields: Record<string, unknown> = {}): Question {
  return readQuestion(
    JSON.stringify({ content_binding: "content", proxy: null, challenge: null, ...fields }),
    null,
  );
}
