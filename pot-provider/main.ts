/** Puts the parts together, and takes them apart when asked to stop. */

import { attest } from "./attest.ts";
import { Deadline } from "./deadline.ts";
import { Failure } from "./failure.ts";
import { Google } from "./google.ts";
import { type Log, openLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { type Attest, Provider } from "./provider.ts";
import { openClient } from "./proxies.ts";
import { Spare } from "./sandbox/spare.ts";
import { createHandler } from "./server.ts";
import { BadSetting, readSettings, type Settings } from "./settings.ts";

const TENDING = 15_000;
const START_PATIENCE = 30_000;
/** Compose and the local launcher kill after a while. */
const DRAINING = 8_000;

function main(): void {
  let settings: Settings;
  try {
    settings = readSettings((name) => Deno.env.get(name), Deno.readTextFileSync);
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error;
    console.error(`pot-provider: ${error.message}`);
    Deno.exit(2);
  }
  Deno.permissions.revokeSync({ name: "read" }); // that was the only file
  run(settings, openLog({ level: settings.logLevel, format: settings.logFormat, write: console.log }));
}

function run(settings: Settings, log: Log): void {
  const metrics = new Metrics();
  const spare = new Spare((reason) => metrics.sandboxExits.add({ reason }));
  const provider = new Provider(attestation(spare, settings.trust, metrics, log));
  metrics.watch("sluice_pot_minters", "Identities that have a minter", () => provider.labels().length);
  metrics.watch("sluice_pot_sandboxes", "Sandbox processes alive", () => spare.alive);
  metrics.watch(
    "sluice_pot_spare_warm",
    "Whether a spare sandbox is ready",
    () => Number(spare.state === "warm"),
  );

  const handler = createHandler({
    provider,
    metrics,
    log,
    globalProxy: settings.globalProxy,
    isReady: () => spare.hasWorked,
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
  }, TENDING);
  spare.warm(new Deadline(START_PATIENCE));

  async function stop(): Promise<void> {
    log("info", "stopping");
    clearInterval(tending);
    await Promise.race([server.shutdown(), new Promise((resolve) => setTimeout(resolve, DRAINING))]);
    await spare.close();
    log("info", "stopped");
    Deno.exit(0);
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, once(stop));
}

/** How minters are made: with a sandbox of their own, through the exit of the question. */
function attestation(spare: Spare, trust: readonly string[], metrics: Metrics, log: Log): Attest {
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
        error: failure.message,
        seconds: seconds(),
      });
      throw failure;
    } finally {
      spare.warm(new Deadline(START_PATIENCE)); // now, when it takes no time from this attestation
    }
  };
}

function once(work: () => Promise<void>): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

if (import.meta.main) main();
