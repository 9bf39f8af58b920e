/** Commands that fetch a file and go on where they stopped. Pure. */
import type { Offer } from "./offers.ts";

export const TOOLS = ["curl", "aria2", "wget"] as const;
export type Tool = (typeof TOOLS)[number];

export function command(tool: Tool, { filename }: Pick<Offer, "filename">, url: string): string {
  const [name, address] = [quoted(filename), quoted(url)];
  switch (tool) {
    case "curl":
      return `curl -C - -o ${name} ${address}`;
    case "aria2":
      return `aria2c -c -x 4 -s 4 -o ${name} ${address}`;
    case "wget":
      return `wget -c -O ${name} ${address}`;
  }
}

/** For a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
