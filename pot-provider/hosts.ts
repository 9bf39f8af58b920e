import { Failure, type Stage } from "./failure.ts";

/** Everything this service ever fetches: exact hosts, and on each the paths that are needed. */
const ALLOWED: ReadonlyMap<string, RegExp> = new Map([
  ["www.youtube.com", /^\/(?:$|s\/|youtubei\/v1\/att\/get$)/],
  ["www.google.com", /^\/js\//],
  ["jnn-pa.googleapis.com", /^\/\$rpc\/google\.internal\.waa\.v1\.Waa\/GenerateIT$/],
]);

/**
 * A URL that may be fetched. Compared after parsing, so that nothing is let through for looking alike.
 *
 * @throws {Failure} for any other.
 */
export function allowedUrl(written: string, stage: Stage): URL {
  const url = URL.parse(written, "https://www.youtube.com/");
  const paths = url && ALLOWED.get(url.hostname);
  if (
    !url || url.protocol !== "https:" || url.port || url.username || url.password ||
    !paths?.test(url.pathname)
  ) {
    throw new Failure(stage, `refused to fetch from ${url?.hostname || "an address that is none"}`);
  }
  return url;
}
