/** What the plugin asks: the body of POST /get_pot, understood. */

import { isIP } from "node:net";
import { type Challenge, readChallenge, recordOf, textOf } from "./challenge.ts";
import { Failure } from "./failure.ts";
import { chosenProxy, type Exit, exitLabel, type Proxy, proxyUrl } from "./proxies.ts";

export interface Question {
  readonly contentBinding: string;
  readonly exit: Exit;
  /** Under which name YouTube knows the exit: requests of the same identity share a minter. */
  readonly identity: string;
  /** The identity as it may be shown: without passwords. */
  readonly label: string;
  /** The challenge of the caller's page, whose EVENT_ID the protocol does not carry: a last resort. */
  readonly challenge: Challenge | null;
  readonly innertubeContext: Record<string, unknown> | null;
  readonly bypassCache: boolean;
  /** The caller's name for what this is done for: only ever logged. */
  readonly requestId: string | null;
}

/** A body this protocol does not have: answered with 400. */
export class BadQuestion extends Error {
  override readonly name = "BadQuestion";
}

const DEPRECATED = ["data_sync_id", "visitor_data", "disable_innertube"];
const LONGEST_BINDING = 2048;
const LONGEST_IDENTITY = 256;
const REQUEST_ID = /^[\w.-]{1,64}$/;

/**
 * The question in a request body. `disable_tls_verification` is ignored: certificates are always verified, and whose
 * are to be trusted is said by SSL_CERT_FILE, not by a caller.
 *
 * @throws {BadQuestion} for a body that is none.
 * @throws {Failure} for one that cannot be answered.
 */
export function readQuestion(body: string, pinned: Proxy | null, requestId: string | null = null): Question {
  const fields = fieldsOf(body);
  const deprecated = DEPRECATED.find((key) => fields[key] !== undefined);
  if (deprecated) throw new BadQuestion(`${deprecated} is deprecated; use content_binding`);

  const contentBinding = textOf(fields.content_binding);
  if (!contentBinding || contentBinding.length > LONGEST_BINDING) {
    throw new Failure("request", `content_binding must be a text of at most ${LONGEST_BINDING} characters`);
  }
  const exit = {
    proxy: chosenProxy(textOf(fields.proxy), pinned),
    sourceAddress: sourceAddress(fields.source_address),
  };
  const innertubeContext = recordOf(fields.innertube_context);
  const remoteHost = textOf(recordOf(innertubeContext?.client)?.remoteHost);
  const isNamed = remoteHost !== null && remoteHost.length <= LONGEST_IDENTITY;
  return {
    contentBinding,
    exit,
    identity: isNamed ? remoteHost : JSON.stringify([exit.proxy && proxyUrl(exit.proxy), exit.sourceAddress]),
    label: isNamed ? remoteHost : exitLabel(exit),
    challenge: readChallenge(fields.challenge),
    innertubeContext,
    bypassCache: fields.bypass_cache === true,
    requestId,
  };
}

/** What may be logged of an `X-Request-ID` header. */
export function saneId(offered: string | null): string | null {
  return offered !== null && REQUEST_ID.test(offered) ? offered : null;
}

function fieldsOf(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new BadQuestion("the body is no JSON");
  }
  const fields = recordOf(value);
  if (!fields) throw new BadQuestion("the body is no JSON object");
  return fields;
}

function sourceAddress(value: unknown): string | null {
  const address = textOf(value);
  if (address && !isIP(address)) throw new Failure("request", "source_address is no IP address");
  return address;
}
