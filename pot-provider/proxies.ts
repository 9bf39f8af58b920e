/** The way out: a proxy, or none, and the local address to leave from. */

import { Failure } from "./failure.ts";

export interface Proxy {
  /** The proxy resolves names: socks5 is read as socks5h. */
  readonly scheme: "http" | "https" | "socks5h";
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
}

export interface Exit {
  readonly proxy: Proxy | null;
  readonly sourceAddress: string | null;
}

const SCHEMES: Record<string, { scheme: Proxy["scheme"]; port: number }> = {
  "http:": { scheme: "http", port: 80 },
  "https:": { scheme: "https", port: 443 },
  "socks5:": { scheme: "socks5h", port: 1080 },
  "socks5h:": { scheme: "socks5h", port: 1080 },
};

/**
 * A proxy URL, understood.
 *
 * @throws {RangeError} with a message that does not repeat it, since it may hold a password.
 */
export function parseProxy(written: string): Proxy {
  const [, scheme = "", rest = ""] = /^([a-z0-9]+:)\/\/(.+)$/i.exec(written.trim()) ?? [];
  const known = SCHEMES[scheme.toLowerCase()];
  // Read as http, the one scheme for which URL drops a default port, but also tells host from port for certain.
  const url = known && URL.parse(`http://${rest}`);
  if (!known || !url?.hostname || !["", "/"].includes(url.pathname) || url.search || url.hash) {
    throw new RangeError("must look like http://user:password@host:port (http, https, socks5 or socks5h)");
  }
  const statesPort = /:\d+\/?$/.test(rest);
  return {
    scheme: known.scheme,
    host: url.hostname,
    port: statesPort ? Number(url.port || 80) : known.port,
    username: decoded(url.username),
    password: decoded(url.password),
  };
}

/** The one way this service may leave, given what a caller asks for and what GLOBAL_PROXY pins. */
export function chosenProxy(asked: string | null, pinned: Proxy | null): Proxy | null {
  let proxy: Proxy | null;
  try {
    proxy = asked === null ? null : parseProxy(asked);
  } catch {
    throw new Failure("proxy", "the request's proxy is no http, https, socks5 or socks5h URL");
  }
  if (pinned && !(proxy && proxyUrl(proxy) === proxyUrl(pinned))) {
    const named = proxy ? "another proxy" : "no proxy";
    throw new Failure(
      "proxy",
      `this service leaves by its GLOBAL_PROXY only, and the request names ${named}`,
    );
  }
  return proxy;
}

/** The client for everything that leaves by this exit. The caller closes it. */
export function openClient(exit: Exit, trust: readonly string[]): Deno.HttpClient {
  return Deno.createHttpClient({
    ...(exit.proxy && { proxy: { url: proxyUrl(exit.proxy) } }),
    ...(exit.sourceAddress && { localAddress: exit.sourceAddress }),
    caCerts: [...trust],
    poolMaxIdlePerHost: 1,
  });
}

/** With the password: for the client and for comparisons only. */
export function proxyUrl(proxy: Proxy): string {
  const credentials = proxy.username || proxy.password
    ? `${encodeURIComponent(proxy.username)}:${encodeURIComponent(proxy.password)}@`
    : "";
  return `${proxy.scheme}://${credentials}${proxy.host}:${proxy.port}`;
}

/** Without it: for people. */
export function exitLabel(exit: Exit): string {
  const way = exit.proxy ? `${exit.proxy.scheme}://${exit.proxy.host}:${exit.proxy.port}` : "direct";
  return exit.sourceAddress ? `${way} from ${exit.sourceAddress}` : way;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
