/** The process: its settings, its signals and its end. */

import { openLog } from "./log.ts";
import { serve } from "./service.ts";
import { BadSetting, readSettings, type Settings } from "./settings.ts";

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
  const log = openLog({ level: settings.logLevel, format: settings.logFormat, write: console.log });
  const { stop } = serve(settings, log);
  const end = once(() => stop().then(() => Deno.exit(0)));
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, end);
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

if (import.meta.main) main();
