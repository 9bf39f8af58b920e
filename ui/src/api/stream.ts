import { type Options, reach } from "./client.ts";

/**
 * Asks for the first byte of a file, which takes one of the places for downloads for a moment: a HEAD takes none, so it could
 * not tell whether there is one. Resolves when the file can be had, else rejects with the problem.
 */
export async function askForFile(url: string, { signal }: Options = {}): Promise<void> {
  const target = new URL(url, location.href);
  if (target.origin !== location.origin) return; // opened under another name, the page may not ask there; a link may
  const headers = { range: "bytes=0-0" };
  const answer = await reach(new Request(target, { headers, ...(signal && { signal }) }));
  await answer.body?.cancel();
}

/** The same file, shown in place instead of saved. */
export function inline(url: string): string {
  const shown = new URL(url, location.href);
  shown.searchParams.set("inline", "1");
  return shown.href;
}
