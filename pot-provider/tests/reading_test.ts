import assert from "node:assert/strict";
import { boundedLines, boundedText, TooLong } from "../reading.ts";

/** A stream that comes in these pieces. */
function streamOf(...pieces: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return ReadableStream.from(
    pieces.map((piece) => typeof piece === "string" ? encoder.encode(piece) : piece),
  );
}

Deno.test("text is put together across its pieces", async () => {
  const [first, second] = [new Uint8Array([0xe2, 0x82]), new Uint8Array([0xac])]; // € in two pieces
  assert.equal(await boundedText(streamOf("a", first, second), 4), "a€");
  assert.equal(await boundedText(null, 0), "");
  await assert.rejects(boundedText(streamOf("12", "345"), 4), TooLong);
});

Deno.test("lines are too, each of them bounded", async () => {
  const lines: string[] = [];
  for await (const line of boundedLines(streamOf("one\ntw", "o\n", "\nthree\nrest"), 5)) lines.push(line);
  assert.deepEqual(lines, ["one", "two", "", "three"]);
  await assert.rejects(Array.fromAsync(boundedLines(streamOf("ok\n123", "456"), 5)), TooLong);
});
