import assert from "node:assert/strict";
import { attest, type Occasion } from "../attest.ts";
import { readChallenge } from "../challenge.ts";
import { Deadline } from "../deadline.ts";
import type { Minter } from "../minter.ts";
import { Sandbox } from "../sandbox/process.ts";
import { challengeOf, GoogleDouble, pageOf } from "./doubles.ts";

const HOME = "https://www.youtube.com/";
const SCRIPT = "https://www.google.com/js/th/synthetic.js";
const REPLACED = "https://www.youtube.com/youtubei/v1/att/get";
const INTEGRITY = "https://jnn-pa.googleapis.com/$rpc/google.internal.waa.v1.Waa/GenerateIT";
const NO_PAGE = "!answer:undefined:YouTube";
const NOTHING: Occasion = { challenge: null, innertubeContext: null };
const PLUGIN: Occasion = { challenge: readChallenge(challengeOf()), innertubeContext: null };
const CONTEXT: Occasion = { challenge: null, innertubeContext: { client: { clientName: "WEB" } } };

/** A double, a sandbox that ends with the test, and what came of them. */
async function attested(
  google: GoogleDouble,
  occasion: Occasion,
  check: (minter: Minter) => unknown,
): Promise<void> {
  const sandbox = new Sandbox();
  try {
    await check(await attest(occasion, google.talk(), sandbox, () => 0));
  } finally {
    sandbox.kill("retired");
    await sandbox.ended;
  }
}

async function failing(google: GoogleDouble, occasion: Occasion = NOTHING): Promise<string> {
  try {
    await attested(google, occasion, () => assert.fail("attested"));
  } catch (error) {
    return String(error);
  }
  return "";
}

Deno.test("a token is made from the page and its EVENT_ID", async () => {
  const google = new GoogleDouble();
  await attested(google, PLUGIN, async (minter) => {
    assert.equal(atob(await minter.mint("content", new Deadline(5000))), "minted:intecontent");
    assert.deepEqual([minter.isBound, minter.renewAt, minter.expiresAt], [true, 42_900_000, 43_200_000]);
  });
  assert.deepEqual(google.asked.length, 3, "home page, interpreter, integrity token");
});

Deno.test("a page's interpreter that does nothing is replaced, its EVENT_ID is not", async () => {
  const google = new GoogleDouble();
  const noop = { privateDoNotAccessOrElseSafeScriptWrappedValue: "//no-op" };
  const challenge = challengeOf(" ", { interpreterUrl: undefined, interpreterJavascript: noop });
  google.answers[HOME] = () => new Response(pageOf(challenge));
  await attested(google, PLUGIN, (minter) => assert.equal(minter.isBound, true));
  assert.equal((google.bodies[0] as { eacrToken: string }).eacrToken, "page token");
});

Deno.test("if it cannot be replaced, the plugin's challenge serves for a while", async () => {
  const google = new GoogleDouble();
  google.answers[HOME] = () => new Response(pageOf(null));
  google.answers[REPLACED] = () => new Response("", { status: 400 });
  google.accepted = [NO_PAGE];
  await attested(
    google,
    { ...CONTEXT, challenge: PLUGIN.challenge },
    (minter) => assert.deepEqual([minter.isBound, minter.expiresAt], [false, 900_000]),
  );
  assert.equal(await failing(google, CONTEXT), "Failure: challenge: HTTP 400");
  const asked = google.asked.filter((place) => `https://${place}` === REPLACED);
  assert.equal(asked.length, 2, "once in each attestation");
});

Deno.test("without the page, the plugin's challenge serves for a while", async () => {
  const google = new GoogleDouble();
  google.answers[HOME] = () => new Response("", { status: 429 });
  google.accepted = [NO_PAGE];
  await attested(
    google,
    PLUGIN,
    (minter) => assert.deepEqual([minter.isBound, minter.expiresAt], [false, 900_000]),
  );
});

Deno.test("without the page and the plugin's, YouTube's interface gives one", async () => {
  const google = new GoogleDouble();
  google.answers[HOME] = () => new Response("", { status: 429 });
  google.accepted = [NO_PAGE];
  await attested(google, CONTEXT, (minter) => assert.equal(minter.isBound, false));
});

Deno.test("whatever fails is named", async (test) => {
  const other = (program: string) => () => new Response(pageOf(challengeOf(program)));
  const foreign = { privateDoNotAccessOrElseTrustedResourceUrlWrappedValue: "//evil.example/js/th/x.js" };
  const cases: [string, string, () => Response | Promise<Response>][] = [
    ["home page: HTTP 429", HOME, () => new Response("", { status: 429 })],
    [
      "home page: HTTP 302 to consent.youtube.com",
      HOME,
      () => new Response(null, { status: 302, headers: { location: "https://consent.youtube.com/m?x=1" } }),
    ],
    ["home page: it carries no EVENT_ID", HOME, () => new Response("<html>")],
    ["home page: the answer is too long", HOME, () => new Response("x".repeat((8 << 20) + 1))],
    [
      "home page: the connection failed",
      HOME,
      () => Promise.reject(new TypeError("http://bob:s3cret@proxy refused")),
    ],
    [
      "interpreter: refused to fetch from evil.example",
      HOME,
      () => new Response(pageOf(challengeOf(" ", { interpreterUrl: foreign }))),
    ],
    ["interpreter: HTTP 404", SCRIPT, () => new Response("", { status: 404 })],
    ["attestation: Unexpected identifier 'is'", SCRIPT, () => new Response("this is no JavaScript")],
    ["attestation: EGOU: BotGuard unavailable", SCRIPT, () => new Response("1")],
    ["integrity token: Google gave none", HOME, other("throw new Error('changed')")],
    ["integrity token: HTTP 500", INTEGRITY, () => new Response("", { status: 500 })],
    ["integrity token: the answer is no JSON", INTEGRITY, () => new Response("<html>")],
    ["mint: Failed to decode base64", INTEGRITY, () => Response.json(["%%%", 1])],
  ];
  for (const [name, place, answer] of cases) {
    await test.step(name, async () => {
      const google = new GoogleDouble();
      google.answers[place] = answer;
      assert.equal(await failing(google), `Failure: ${name}`);
    });
  }
});

Deno.test("an answer that does not come is not waited for", async () => {
  const google = new GoogleDouble();
  google.answers[HOME] = ({ signal }) =>
    new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  const sandbox = new Sandbox();
  await assert.rejects(attest(NOTHING, google.talk(50), sandbox), /home page: no answer within 0\.\d s/);
  await sandbox.ended;
});
