/**
 * The only process that runs Google's interpreter. It is started without any permission and with an empty
 * environment, gets everything it needs by stdin, and is killed when it does not answer.
 */

import { BotGuardClient } from "bgutils-js/botguard";
import { WebPoMinter } from "bgutils-js/webpo";
import type { WebPoSignalOutput } from "bgutils-js/shared-types";
import { boundedLines } from "../reading.ts";
import { becomeBrowser } from "./browser.ts";
import { type Order, READY, type Reply, type Task } from "./messages.ts";

const LONGEST_LINE = 16 << 20;

const signals: WebPoSignalOutput = [];
let minter: WebPoMinter | null = null;

async function perform(task: Task): Promise<string> {
  switch (task.name) {
    case "attest":
      return await attest(task);
    case "install":
      minter = await WebPoMinter.create({ integrityToken: task.integrityToken }, signals);
      return "";
    case "mint":
      if (!minter) throw new Error("nothing installed");
      return await minter.mintAsWebsafeString(task.contentBinding);
  }
}

async function attest(task: Extract<Task, { name: "attest" }>): Promise<string> {
  becomeBrowser(task.config, task.userAgent);
  new Function(task.interpreter)();
  const botguard = await BotGuardClient.create({
    program: task.program,
    globalName: task.globalName,
    globalObject: globalThis,
  });
  return await botguard.snapshot({ webPoSignalOutput: signals }, task.patience);
}

// The interpreter may write to the console; stdout belongs to the messages.
for (const method of ["debug", "error", "info", "log", "trace", "warn"] as const) console[method] = () => {};
// What goes wrong outside of a task, as in a page, is not the end of it.
globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());
globalThis.addEventListener("error", (event) => event.preventDefault());

const encoder = new TextEncoder();
const output = Deno.stdout.writable.getWriter();
const say = (message: unknown) => output.write(encoder.encode(`${JSON.stringify(message)}\n`));

await say(READY);
for await (const line of boundedLines(Deno.stdin.readable, LONGEST_LINE)) {
  const { id, task } = JSON.parse(line) as Order;
  let reply: Reply;
  try {
    reply = { id, result: await perform(task) };
  } catch (error) {
    reply = { id, error: error instanceof Error ? error.message : "thrown" };
  }
  await say(reply);
}
Deno.exit(); // timers of the interpreter must not keep an abandoned process
