import assert from "node:assert/strict";
import { Deadline } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { type ExitReason, Sandbox } from "../sandbox/process.ts";
import { INTERPRETER } from "./doubles.ts";

const ESCAPES = await Deno.readTextFile(new URL("./escapes.js", import.meta.url));

/** What a program answers in a new sandbox, and how that one ended. */
async function inSandbox(
  program: string,
  patience = 20_000,
  interpreter = INTERPRETER,
): Promise<[answer: string | Failure, end: ExitReason]> {
  const sandbox = new Sandbox();
  const deadline = new Deadline(patience + 10_000);
  await sandbox.started(deadline);
  const task = { program, globalName: "trayride", interpreter, config: null, userAgent: "x", patience };
  const answer = await sandbox.perform({ name: "attest", ...task }, "attestation", deadline, patience)
    .catch((error) => error);
  const hasEnded = answer instanceof Failure && answer.stage === "sandbox";
  if (!hasEnded) sandbox.kill("retired");
  return [answer, await sandbox.ended];
}

Deno.test("nothing gets out of a sandbox", async (test) => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  const surroundings = JSON.stringify({
    port: server.addr.port,
    scratch: `/tmp/sluice-escape-${crypto.randomUUID()}`,
    pid: Deno.pid,
    deno: Deno.execPath(),
    program: new URL("../sandbox/main.ts", import.meta.url).href,
    module: new URL("./interpreter.js", import.meta.url).href,
    library: "libc.so.6",
  });
  const attempts = (ways: string) =>
    `${ESCAPES}; return JSON.stringify(await attempt(${ways}, ${surroundings}))`;

  const [answered] = await inSandbox(attempts("escapes"));
  assert.equal(typeof answered, "string", String(answered));
  const outcomes: Record<string, string> = JSON.parse(
    String(answered).replace(/^!answer:(.*):YouTube$/s, "$1"),
  );
  const free = await outside(attempts("{...escapes, ...workers}"));
  for (const [name, outcome] of Object.entries(outcomes)) {
    await test.step(name, () => {
      assert.match(outcome, /^denied/);
      // That it fails here says something only if it would succeed elsewhere.
      if (!NEEDS_INTERNET.includes(name)) assert.equal(free[name], "allowed");
    });
  }
  for (const name of ["fetch in a worker", "keep data in a worker", "read in a worker of node"]) {
    await test.step(name, async () => {
      const [answered] = await inSandbox(attempts(`{ way: workers["${name}"] }`));
      assert.match(String(answered), /denied|Failure: sandbox: it/);
      assert.equal(free[name], "allowed");
    });
  }
});

Deno.test("a worker cannot be given more rights", async () => {
  const code =
    "new Worker('data:text/javascript,', { type: 'module', deno: { permissions: { net: true } } })";
  const [answer, end] = await inSandbox(`${code}; return "allowed"`);
  assert.ok(answer instanceof Failure);
  assert.equal(end, "crashed");
});

Deno.test("an endless loop is ended", async () => {
  const [answer, end] = await inSandbox("for (;;);", 500);
  assert.match(String(answer), /^Failure: attestation: no answer within 0.5 s$/);
  assert.equal(end, "timeout");
});

Deno.test("a program that never answers is ended", async () => {
  const [answer] = await inSandbox("await new Promise(() => setInterval(() => {}, 10))", 500);
  assert.match(String(answer), /^Failure: attestation: /);
});

Deno.test("memory is limited", async () => {
  const [answer, end] = await inSandbox("const kept = []; for (;;) kept.push(new Array(100000).fill({}))");
  assert.match(String(answer), /^Failure: sandbox: it has ended \(memory\)$/);
  assert.equal(end, "memory");
});

Deno.test({
  name: "memory outside of the heap is limited too",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const [buffers] = await inSandbox("const kept = []; for (;;) kept.push(new Uint8Array(1e8).fill(1))");
    assert.match(String(buffers), /thrown:RangeError/);
    const [pages] = await inSandbox("new WebAssembly.Memory({ initial: 20000 })");
    assert.match(String(pages), /thrown:RangeError/);
  },
});

Deno.test("what is no message ends it", async () => {
  for (const words of ["nonsense", '{"id": 99, "result": "x"}', "x".repeat(2 << 20)]) {
    const write = `Deno.stdout.writeSync(new TextEncoder().encode(${JSON.stringify(`${words}\n`)}))`;
    const [answer, end] = await inSandbox(`${write}; await new Promise(() => {})`);
    assert.match(String(answer), /^Failure: sandbox: it has ended \(protocol\)$/);
    assert.equal(end, "protocol");
  }
});

Deno.test("the console and stray errors do no harm", async () => {
  const stray =
    "console.log('to nobody'); Promise.reject(new Error('stray')); setTimeout(() => { throw new Error('late') })";
  const [answer] = await inSandbox(
    `${stray}; await new Promise((resolve) => setTimeout(resolve, 5)); return "fine"`,
  );
  assert.equal(answer, "!answer:fine:YouTube");
});

Deno.test("an error is told without what is as long as a token", async () => {
  const [answer] = await inSandbox("x", 20_000, `throw new Error("no " + "s".repeat(99) + " today\\n")`);
  assert.equal(String(answer), "Failure: attestation: no … today");
});

const NEEDS_INTERNET = ["import from a registry", "import from another registry", "ask for a permission"];

/** The same program in a process that may do everything. */
async function outside(program: string): Promise<Record<string, string>> {
  const code = `${INTERPRETER}; globalThis.document = { title: "" }; const signals = [];
    trayride.a(${JSON.stringify(program)}, (snapshot) => snapshot((answer) => {
      console.log(answer.slice("!answer:".length, -1));
      Deno.exit();
    }, [, , signals]))`;
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", 'exec "$0" run --no-config --allow-all --location=http://localhost -', Deno.execPath()],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(code));
  await input.close();
  const { stdout } = await child.output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

function answer(request: Request): Response {
  if (request.headers.get("upgrade")) return Deno.upgradeWebSocket(request).response;
  const headers = { "content-type": "text/javascript" };
  return new URL(request.url).pathname === "/module.js"
    ? new Response("export {}", { headers })
    : new Response("here");
}
