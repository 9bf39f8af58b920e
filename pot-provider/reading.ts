/** Streams read to a bound, so that nobody decides how much memory this process needs. */

/** More came than was allowed. */
export class TooLong extends Error {
  override readonly name = "TooLong";
}

/** Everything a stream has, as text. */
export async function boundedText(stream: ReadableStream<Uint8Array> | null, most: number): Promise<string> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.length;
    if (size > most) throw new TooLong();
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}

/** A stream's lines, without their ends. A last one that is not ended is not told. */
export async function* boundedLines(
  stream: ReadableStream<Uint8Array>,
  most: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let parts: string[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const [first = "", ...others] = decoder.decode(chunk, { stream: true }).split("\n");
    for (const [index, piece] of [first, ...others].entries()) {
      if (index > 0) {
        yield parts.join("");
        parts = [];
        size = 0;
      }
      size += piece.length;
      if (size > most) throw new TooLong();
      parts.push(piece);
    }
  }
}
