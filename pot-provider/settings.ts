/** The settings of this process. */

import { LEVELS, type LogLevel } from "./log.ts";
import { parseProxy, type Proxy } from "./proxies.ts";

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly logLevel: LogLevel;
  readonly logFormat: "json" | "console";
  /** When set, the only way out, whatever a request names. */
  readonly globalProxy: Proxy | null;
  /** Certificate authorities to be trusted beside the usual ones, as PEM. */
  readonly trust: readonly string[];
}

/** A value that cannot be used; the message names the variable. */
export class BadSetting extends Error {
  override readonly name = "BadSetting";
}

/**
 * The settings in an environment; an empty value is none.
 *
 * @throws {BadSetting}
 */
export function readSettings(
  variable: (name: string) => string | undefined,
  readFile: (path: string) => string,
): Settings {
  function read<T>(name: string, parse: (raw: string) => T, fallback: T): T {
    const raw = variable(name)?.trim();
    if (!raw) return fallback;
    try {
      return parse(raw);
    } catch (error) {
      if (error instanceof RangeError) throw new BadSetting(`${name}: ${error.message}`);
      throw error;
    }
  }
  return {
    host: read("HOST", parseHost, "127.0.0.1"),
    port: read("PORT", parsePort, 4416),
    logLevel: read("LOG_LEVEL", (raw) => oneOf(LEVELS, raw.toLowerCase()), "info"),
    logFormat: read("LOG_FORMAT", (raw) => oneOf(["json", "console"], raw.toLowerCase()), "json"),
    globalProxy: read<Proxy | null>("GLOBAL_PROXY", parseProxy, null),
    trust: read("SSL_CERT_FILE", (path) => [certificates(path, readFile)], []),
  };
}

function parseHost(raw: string): string {
  if (!/^[\w.:-]+$/.test(raw)) throw new RangeError("must be an address or a name");
  return raw;
}

function parsePort(raw: string): number {
  const port = Number(raw);
  if (!/^\d+$/.test(raw) || port > 65535) {
    throw new RangeError("must be a number from 0 (any free port) to 65535");
  }
  return port;
}

function certificates(path: string, readFile: (path: string) => string): string {
  let content = "";
  try {
    content = readFile(path);
  } catch {
    // told like a file of anything else
  }
  if (!content.includes("-----BEGIN CERTIFICATE-----")) throw new RangeError("must be a readable PEM file");
  return content;
}

function oneOf<T extends string>(choices: readonly T[], raw: string): T {
  const found = choices.find((choice) => choice === raw);
  if (!found) throw new RangeError(`must be one of ${choices.join(", ")}`);
  return found;
}
