/**
 * Reads a JavaScript literal (objects, arrays, strings, numbers, true, false, null) without running it: the page
 * writes its challenge as `{'R': '\x7b\x22bgChallenge…'}`, which is no JSON, and is not to be evaluated here.
 */

export type Literal = null | boolean | number | string | Literal[] | { [key: string]: Literal };

const DEEPEST = 200;
const SINGLE: Record<string, string> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", "0": "\0" };
const BARE = /[\w$]+/y;
const NUMBER = /-?(?:0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
const SPACE = /\s*/y;
const PLAIN = /[^\\'"\n]+/y;
const WORDS = new Map<string, Literal>([["true", true], ["false", false], ["null", null], [
  "undefined",
  null,
]]);

/**
 * The literal that begins at a position of a text; what follows it does not matter.
 *
 * @throws {SyntaxError} where there is none.
 */
export function readLiteral(text: string, start = 0): Literal {
  let at = start;

  return value(0);

  function value(depth: number): Literal {
    if (depth > DEEPEST) throw broken("nested too deeply");
    const first = peek();
    if (first === "{") return object(depth);
    if (first === "[") return array(depth);
    if (first === '"' || first === "'") return string();
    const number = match(NUMBER);
    if (number) return Number(number);
    const word = WORDS.get(match(BARE));
    if (word === undefined) throw broken("not a literal");
    return word;
  }

  function object(depth: number): Literal {
    const made: { [key: string]: Literal } = {};
    at++;
    while (peek() !== "}") {
      const quoted = peek() === '"' || peek() === "'";
      const key = quoted ? string() : match(BARE);
      if (!quoted && !key) throw broken("no key");
      expect(":");
      const held = value(depth + 1);
      // An assignment to this one name would change the object's prototype instead.
      if (key !== "__proto__") made[key] = held;
      if (peek() !== "}") expect(",");
    }
    at++;
    return made;
  }

  function array(depth: number): Literal {
    const made: Literal[] = [];
    at++;
    while (peek() !== "]") {
      made.push(value(depth + 1));
      if (peek() !== "]") expect(",");
    }
    at++;
    return made;
  }

  function string(): string {
    const quote = text[at++];
    const parts: string[] = [];
    for (;;) {
      parts.push(match(PLAIN));
      const next = text[at++];
      if (next === quote) return parts.join("");
      if (next === undefined || next === "\n") throw broken("unterminated string");
      parts.push(next === "\\" ? escaped() : next);
    }
  }

  function escaped(): string {
    const kind = text[at++] ?? "";
    if (kind === "x") return String.fromCodePoint(hexadecimal(2));
    if (kind === "u" && text[at] === "{") {
      const end = text.indexOf("}", at);
      const code = hexadecimal(end - at - 1, ++at);
      at++;
      if (code > 0x10ffff) throw broken("no such character");
      return String.fromCodePoint(code);
    }
    if (kind === "u") return String.fromCharCode(hexadecimal(4));
    if (kind === "\r" && text[at] === "\n") at++;
    if (kind === "\n" || kind === "\r") return ""; // the line goes on
    return SINGLE[kind] ?? kind;
  }

  function hexadecimal(digits: number, from = at): number {
    const written = text.slice(from, from + digits);
    if (written.length !== digits || !/^[\da-fA-F]{1,6}$/.test(written)) throw broken("bad escape");
    at = from + digits;
    return parseInt(written, 16);
  }

  function peek(): string {
    match(SPACE);
    const next = text[at];
    if (next === undefined) throw broken("unfinished");
    return next;
  }

  function expect(wanted: string): void {
    if (peek() !== wanted) throw broken(`no ${wanted}`);
    at++;
  }

  function match(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  }

  function broken(reason: string): SyntaxError {
    return new SyntaxError(`${reason} at ${at}`);
  }
}
