import assert from "node:assert/strict";
import { PATIENCE, type Patience } from "../patience.ts";
import { Sandbox } from "../sandbox/process.ts";
import { serve } from "../service.ts";
import { GoogleDouble } from "./doubles.ts";

const PATIENT = 30_000;
const HOME = "https://www.youtube.com/";

/** A whole service with real sandboxes, all of which it started, and a double of Google. */
class Scene {
  readonly google = new GoogleDouble();
  readonly sandboxes: Sandbox[] = [];
  readonly #running;

  constructor(patience: Partial<Patience> = {}, program?: URL) {
    this.#running = serve(
      { host: "127.0.0.1", port: 0, logLevel: "error", logFormat: "json", globalProxy: null, trust: [] },
      () => {},
      {
        patience: { ...PATIENCE, ...patience },
        start: () => {
          const sandbox = new Sandbox(program);
          this.sandboxes.push(sandbox);
          return sandbox;
        },
        fetch: ((url: URL, init: RequestInit) => this.google.fetch(url, init)) as typeof fetch,
      },
    );
  }

  get port(): number {
    return this.#running.port;
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.port}${path}`);
    return { status: answer.status, text: await answer.text() };
  }

  /** What /get_pot answers to somebody at this exit. */
  async ask(remoteHost: string): Promise<Record<string, string>> {
    const body = { content_binding: "content", innertube_context: { client: { remoteHost } } };
    const answer = await fetch(`http://127.0.0.1:${this.port}/get_pot`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    return await answer.json();
  }

  /** The value of a metric, labels included in its name; NaN if it is not there. */
  async metric(name: string): Promise<number> {
    const lines = (await this.get("/metrics")).text.split("\n");
    return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? NaN);
  }

  async hasWarmed(): Promise<void> {
    await until(async () => await this.metric("sluice_pot_spare_warm") === 1);
  }

  stop(): Promise<void> {
    return this.#running.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Have Google's home page wait, until the answer is called. */
  hold(): { asked: Promise<void>; release: () => void } {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const answer = this.google.answers[HOME]!;
    this.google.answers[HOME] = async (init) => {
      ask();
      await released;
      return await answer(init);
    };
    return { asked, release };
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENT;
  while (!(await holds())) {
    assert.ok(performance.now() < end, "it does not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("another exit gets the sandbox that is warm, and the next one is prepared", async () => {
  await using scene = new Scene();
  await scene.hasWarmed();
  assert.equal(scene.sandboxes.length, 1);
  assert.ok((await scene.ask("1.1.1.1")).poToken);
  await scene.hasWarmed();
  assert.equal(scene.sandboxes.length, 2);

  const { asked, release } = scene.hold();
  const token = scene.ask("2.2.2.2");
  await asked;
  assert.equal(await scene.metric("sluice_pot_spare_warm"), 0);
  assert.equal(scene.sandboxes.length, 2, "no further one takes time from this attestation");
  release();
  assert.ok((await token).poToken);
  await scene.hasWarmed();
  assert.equal(scene.sandboxes.length, 3);
  assert.equal(await scene.metric("sluice_pot_sandboxes"), 3);
  assert.equal(await scene.metric("sluice_pot_minters"), 2);
});

Deno.test("a spare that has died is replaced", async () => {
  await using scene = new Scene({ tending: 10 });
  await scene.hasWarmed();
  scene.sandboxes[0]!.kill("crashed");
  await until(() => scene.sandboxes.length === 2);
  await scene.hasWarmed();
  assert.equal(await scene.metric('sluice_pot_sandbox_exits_total{reason="crashed"}'), 1);
});

Deno.test("it is ready once a sandbox could be started, and alive before", async () => {
  const nothing = new URL("./nothing.ts", import.meta.url);
  await using broken = new Scene({}, nothing);
  await until(async () => await broken.metric('sluice_pot_sandbox_exits_total{reason="crashed"}') === 1);
  assert.deepEqual([(await broken.get("/readyz")).status, (await broken.get("/healthz")).status], [503, 200]);
  await using scene = new Scene();
  await until(async () => (await scene.get("/readyz")).status === 200);
});

Deno.test("the deadlines hold for the whole service", async () => {
  await using scene = new Scene({ token: 80, attestation: 40 });
  await scene.hasWarmed();
  const { release } = scene.hold();
  assert.match(String((await scene.ask("1.1.1.1")).error), /: no answer within 0\.\d s$/);
  release();
});

Deno.test("stopping waits for what is under way, then tells that there will be nothing", async () => {
  const scene = new Scene({ draining: 20 });
  const { asked, release } = scene.hold();
  const answer = scene.ask("1.1.1.1");
  await asked;
  await scene.stop();
  assert.deepEqual(await answer, { error: "request: the token service is being stopped" });
  assert.deepEqual(scene.sandboxes.map(({ isAlive }) => isAlive), [false]);
  release();
});

Deno.test("somebody who never says what is asked does not hold the end up", async () => {
  const scene = new Scene({ draining: 20, parting: 20 });
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: scene.port });
  const head = "POST /get_pot HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{";
  await connection.write(new TextEncoder().encode(head));
  await scene.get("/ping"); // by now the other has been heard too
  await scene.stop();
  connection.close();
});
