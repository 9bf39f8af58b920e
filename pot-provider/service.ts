/** Puts the parts together, and takes them apart when asked to stop. */

import { attest } from "./attest.ts";
import { Deadline } from "./deadline.ts";
import { Failure } from "./failure.ts";
import { Google } from "./google.ts";
import type { Log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { PATIENCE, type Patience } from "./patience.ts";
import { type Attest, Provider } from "./provider.ts";
import { openClient } from "./proxies.ts";
import { Sandbox } from "./sandbox/process.ts";
import { Spare } from "./sandbox/spare.ts";
import { createHandler } from "./server.ts";
import type { Settings } from "./settings.ts";

const START_PATIENCE = 30_000;

export interface Running {
  readonly port: number;
  /** Answer what is under way, then end. */
  readonly stop: () => Promise<void>;
}

interface Options {
  readonly patience?: Patience;
  readonly start?: () => Sandbox;
  readonly fetch?: typeof globalThis.fetch;
}

/** Listen at once, and have a sandbox started. */
export function serve(
  settings: Settings,
  log: Log,
  { patience = PATIENCE, start = () => new Sandbox(), fetch = globalThis.fetch }: Options = {},
): Running {
  const metrics = new Metrics();
  const spare = new Spare((reason) => metrics.sandboxExits.add({ reason }), start);
  const provider = new Provider(attestation({ spare, trust: settings.trust, fetch, metrics, log }), {
    patience,
  });
  metrics.watch("sluice_pot_minters", "Identities that have a minter", () => provider.labels().length);
  metrics.watch("sluice_pot_sandboxes", "Sandbox processes alive", () => spare.alive);
  metrics.watch(
    "sluice_pot_spare_warm",
    "Whether a spare sandbox is ready",
    () => Number(spare.state === "warm"),
  );

  const ending = new AbortController();
  const handler = createHandler({
    provider,
    metrics,
    log,
    globalProxy: settings.globalProxy,
    isReady: () => spare.hasWorked,
    ending: ending.signal,
  });
  // The plugin remembers for a minute that nothing listened: listening comes first.
  const server = Deno.serve({
    hostname: settings.host,
    port: settings.port,
    onListen: ({ hostname, port }) => log("info", "listening", { host: hostname, port }),
  }, handler);
  const tending = setInterval(() => {
    provider.tend();
    spare.warm(new Deadline(START_PATIENCE));
  }, patience.tending);
  spare.warm(new Deadline(START_PATIENCE));

  async function stop(): Promise<void> {
    log("info", "stopping");
    clearInterval(tending);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timers = [
      setTimeout(() => ending.abort(), patience.draining),
      setTimeout(resolve, patience.draining + patience.parting), // somebody may not even listen
    ];
    await Promise.race([server.shutdown(), late]);
    timers.forEach(clearTimeout);
    await spare.close();
    log("info", "stopped");
  }
  return { port: server.addr.port, stop };
}

interface Means {
  readonly spare: Spare;
  readonly trust: readonly string[];
  readonly fetch: typeof globalThis.fetch;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** How minters are made: with a sandbox of their own, through the exit of the question. */
function attestation({ spare, trust, fetch, metrics, log }: Means): Attest {
  return async (question, deadline) => {
    const began = performance.now();
    const seconds = () => Math.round(performance.now() - began) / 1000;
    try {
      using client = openClient(question.exit, trust);
      const google = new Google(
        (url, init) => fetch(url, { ...init, client }),
        deadline,
        question.exit.proxy !== null,
      );
      const minter = await attest(question, google, spare.take());
      metrics.attested("done");
      log(minter.isBound ? "info" : "warning", "attested", {
        identity: question.label,
        request_id: question.requestId,
        is_bound: minter.isBound,
        expires_at: new Date(minter.expiresAt).toISOString(),
        seconds: seconds(),
      });
      return minter;
    } catch (error) {
      const failure = Failure.of(error, "attestation");
      metrics.attested(failure.stage);
      log("warning", "attestation failed", {
        identity: question.label,
        request_id: question.requestId,
        error: failure.message,
        seconds: seconds(),
      });
      throw failure;
    } finally {
      spare.warm(new Deadline(START_PATIENCE)); // now, when it takes no time from this attestation
    }
  };
}
