import assert from "node:assert/strict";
import { readChallenge, readPage } from "../challenge.ts";
import { challengeOf, EVENT_ID, INTERPRETER_URL, pageOf } from "./doubles.ts";

Deno.test("a home page has a challenge and what it is bound to", () => {
  const page = readPage(pageOf());
  assert.equal(page?.config.EVENT_ID, EVENT_ID);
  assert.deepEqual(page?.config.A, [1, { B: true }], "configurations are laid over each other");
  assert.equal(page?.attestationToken, "page token");
  assert.deepEqual(page?.challenge, {
    program: " ",
    globalName: "trayride",
    interpreterUrl: INTERPRETER_URL,
    interpreterScript: null,
  });
});

Deno.test("an older page has it too", () => {
  const page = pageOf().replace("window.ytAtN({'R': ", "window.ytAtR = ").replace(
    ", T: 'page token',});",
    ";",
  );
  assert.equal(readPage(page)?.challenge?.interpreterUrl, INTERPRETER_URL);
});

Deno.test("without an EVENT_ID a page says nothing", () => {
  assert.equal(readPage(pageOf().replaceAll("EVENT_ID", "OTHER")), null);
  assert.equal(readPage("<html>consent</html>"), null);
});

Deno.test("an inline interpreter that does nothing is none", () => {
  const inline = (script: string) =>
    challengeOf(" ", {
      interpreterUrl: undefined,
      interpreterJavascript: { privateDoNotAccessOrElseSafeScriptWrappedValue: script },
    });
  assert.equal(readChallenge(inline("//no-op")), null);
  assert.equal(readPage(pageOf(inline("var bg = null;")))?.challenge, null);
  assert.equal(readChallenge(inline("x;".repeat(600)))?.interpreterScript?.length, 1200);
});

Deno.test("what cannot be run is no challenge", () => {
  const broken = [
    null,
    "challenge",
    [],
    {},
    challengeOf(""),
    challengeOf(" ", { program: 1 }),
    challengeOf(" ", { globalName: "__proto__.x" }),
    challengeOf(" ", { interpreterUrl: null }),
    challengeOf(" ", { interpreterUrl: "https://www.google.com/js/th/x.js" }),
  ];
  for (const value of broken) assert.equal(readChallenge(value), null);
});
