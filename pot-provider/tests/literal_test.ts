import assert from "node:assert/strict";
import { readLiteral } from "../literal.ts";

Deno.test("literals are read as JavaScript would", () => {
  const literals = [
    `{}`,
    `[]`,
    `{a: 1, 'b': "two", "c": [true, false, null,], $d_1: -1.5e3, 7: .5, e: 0x1F,}`,
    `'it\\'s \\x7b\\x22\\u00e9\\u{1F600}\\n\\t\\0\\/\\\\ and "quotes"'`,
    `"a line \\\n goes on"`,
    ` { "deep" : { "er" : [ [ [ { } ] ] ] } } `,
  ];
  for (const literal of literals) {
    assert.deepEqual(readLiteral(literal), new Function(`return (${literal})`)());
  }
});

Deno.test("JSON is a literal", () => {
  const value = { text: 'a "quoted" \u2028 } ] line\n', numbers: [0, -1, 1e21], nothing: null };
  assert.deepEqual(readLiteral(JSON.stringify(value)), value);
});

Deno.test("what follows does not matter, what is before is skipped", () => {
  assert.deepEqual(readLiteral("set({a: '})'}); more({b: 2})", 4), { a: "})" });
});

Deno.test("nothing is run, and no prototype changed", () => {
  const read = readLiteral(`{"__proto__": {"polluted": true}, "constructor": 1}`) as Record<string, unknown>;
  assert.equal(read.polluted, undefined);
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
});

Deno.test("what is no literal is refused", () => {
  const others = [
    "",
    "{",
    "{a}",
    "{a:}",
    "[1",
    "'open",
    "'\n'",
    "window",
    "f()",
    "'\\x7'",
    "'\\u{110000}'",
    "{,}",
    "`x`",
  ];
  for (const text of [...others, "[".repeat(10_000)]) {
    assert.throws(() => readLiteral(text), SyntaxError, text);
  }
});

Deno.test("a long page is read in no time", () => {
  const long = JSON.stringify(Array.from({ length: 50_000 }, (_, index) => ({ index, name: `"${index}\\` })));
  assert.deepEqual(readLiteral(long), JSON.parse(long));
});
