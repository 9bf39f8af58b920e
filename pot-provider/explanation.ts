import { Failure, type Stage } from "./failure.ts";
import { TooLong } from "./reading.ts";

/** The errors of `fetch` are texts, which may quote a proxy's URL: only what they mean is passed on. */
export function explain(error: unknown, stage: Stage, isProxied: boolean): Failure {
  if (error instanceof TooLong) return new Failure(stage, "the answer is too long");
  if (!(error instanceof TypeError)) return Failure.of(error, stage);
  const text = `${error.message} ${error.cause ?? ""}`;
  const meanings = isProxied ? [...OF_A_PROXY, ...OF_ANYBODY] : OF_ANYBODY;
  const [, meaning] = meanings.find(([pattern]) => pattern.test(text)) ?? [];
  return new Failure(stage, meaning ?? "the connection failed");
}

const OF_A_PROXY: readonly (readonly [RegExp, string])[] = [
  [/proxy authentication required|auth failure|no acceptable auth/i, "the proxy refused the credentials"],
  [
    /unsuccessful tunnel|ruleset|host unreachable|network unreachable/i,
    "the proxy did not open the connection",
  ],
  [/proxy server unreachable|tcp connect error|dns error|lookup address/i, "the proxy cannot be reached"],
];

const OF_ANYBODY: readonly (readonly [RegExp, string])[] = [
  [/certificate|unknownissuer/i, "the certificate is not trusted (SSL_CERT_FILE adds trust)"],
  [/dns error|lookup address/i, "the name cannot be resolved"],
];
