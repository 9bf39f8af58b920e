/** The protocol of the yt-dlp plugin bgutil-ytdlp-pot-provider 2.0, and what operators ask for. */

import { Failure } from "./failure.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Provider } from "./provider.ts";
import type { Proxy } from "./proxies.ts";
import { BadQuestion, type Question, readQuestion, saneId } from "./question.ts";
import { boundedText, TooLong } from "./reading.ts";

/** The plugin refuses another major version and warns of any difference. */
export const PROTOCOL_VERSION = "2.0.2";

const LONGEST_BODY = 1 << 20;

export interface Service {
  readonly provider: Provider;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly globalProxy: Proxy | null;
  /** Whether tokens could be made here, as far as that does not depend on Google. */
  readonly isReady: () => boolean;
  /** Aborted when the service ends and will not answer what it has not answered yet. */
  readonly ending: AbortSignal;
}

type Handler = (request: Request) => Response | Promise<Response>;

/** What answers every request. */
export function createHandler(service: Service): Handler {
  const started = performance.now();
  const routes: Record<string, Handler> = {
    "GET /": () => json({ error: "POST /get_pot" }, 400),
    "GET /ping": () =>
      json({ server_uptime: (performance.now() - started) / 1000, version: PROTOCOL_VERSION }),
    "POST /get_pot": (request) => answerQuestion(request, service),
    "POST /invalidate_caches": () => invalidate(service),
    "POST /invalidate_it": () => invalidate(service),
    "GET /minter_cache": () => json(service.provider.labels()),
    "GET /healthz": () => json({ status: "ok" }),
    "GET /readyz": () => service.isReady() ? json({ status: "ok" }) : json({ status: "unavailable" }, 503),
    "GET /metrics": () => text(service.metrics.render()),
  };
  return (request) => {
    // Only browsers say these. A page somebody has open may not ask for anything here.
    if (request.headers.has("origin") || request.headers.has("sec-fetch-site")) {
      return json({ error: "not for browsers" }, 403);
    }
    const method = request.method === "HEAD" ? "GET" : request.method;
    const handler = routes[`${method} ${new URL(request.url).pathname}`];
    return handler ? handler(request) : json({ error: "there is nothing at this address" }, 404);
  };
}

/** A failure is told with 200: of any other answer, yt-dlp shows only the status. */
async function answerQuestion(
  request: Request,
  { provider, metrics, log, globalProxy, ending }: Service,
): Promise<Response> {
  const began = performance.now();
  const requestId = saneId(request.headers.get("x-request-id"));
  let question: Question | null = null;
  try {
    question = readQuestion(await boundedText(request.body, LONGEST_BODY), globalProxy, requestId);
    const { token, expiresAt } = await unless(ending, provider.token(question));
    metrics.tokens.add({ outcome: "ok" });
    log("debug", "token made", {
      identity: question.label,
      request_id: requestId,
      seconds: since(began),
    });
    return json({
      poToken: token,
      contentBinding: question.contentBinding,
      expiresAt: new Date(expiresAt).toISOString(),
    });
  } catch (error) {
    if (error instanceof TooLong) return json({ error: "the body is too long" }, 413);
    if (error instanceof BadQuestion) return json({ error: error.message }, 400);
    const failure = Failure.of(error, "request");
    metrics.tokens.add({ outcome: "failed" });
    log("warning", "no token", {
      identity: question?.label ?? null,
      request_id: requestId,
      error: failure.message,
      seconds: since(began),
    });
    return json({ error: failure.message });
  }
}

/** What was begun; a failure as soon as the service ends, since a connection that breaks tells nothing. */
async function unless<T>(ending: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = () => reject(new Failure("request", "the token service is being stopped"));
  ending.addEventListener("abort", end);
  try {
    return await Promise.race([work, ended]);
  } finally {
    ending.removeEventListener("abort", end);
  }
}

function invalidate({ provider, log }: Service): Response {
  provider.invalidate();
  log("info", "minters forgotten");
  return new Response(null, { status: 204 });
}

function since(began: number): number {
  return Math.round(performance.now() - began) / 1000;
}

function json(value: unknown, status = 200): Response {
  return Response.json(value, { status, headers: { "cache-control": "no-store" } });
}

function text(body: string): Response {
  return new Response(body, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
}
