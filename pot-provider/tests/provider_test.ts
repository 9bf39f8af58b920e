import assert from "node:assert/strict";
import { Failure } from "../failure.ts";
import { Minter } from "../minter.ts";
import { Provider } from "../provider.ts";
import type { Question } from "../question.ts";
import type { Sandbox } from "../sandbox/process.ts";
import { questionOf } from "./doubles.ts";

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** A sandbox that is attested at once: it makes tokens of its number and the content. */
class FakeSandbox {
  isAlive = true;
  broken: Failure | null = null;
  constructor(readonly number: number) {}

  perform({ contentBinding }: { contentBinding: string }): Promise<string> {
    return this.broken ? Promise.reject(this.broken) : Promise.resolve(`${this.number}-${contentBinding}`);
  }

  kill(): void {
    this.isAlive = false;
  }
}

/** A provider, its clock, and the attestations it asked for. */
class Scene {
  now = 0;
  failure: Failure | null = null;
  isUnusable = false;
  gate: Promise<void> = Promise.resolve();
  readonly sandboxes: FakeSandbox[] = [];
  asked = 0;
  atOnce = 0;
  most = 0;
  readonly provider = new Provider(async () => {
    this.asked++;
    this.most = Math.max(this.most, ++this.atOnce);
    await this.gate;
    this.atOnce--;
    if (this.failure) throw this.failure;
    const sandbox = new FakeSandbox(this.asked);
    if (this.isUnusable) sandbox.broken = new Failure("mint", "broken");
    this.sandboxes.push(sandbox);
    return new Minter(
      sandbox as unknown as Sandbox,
      this.now,
      this.now + 11 * HOUR,
      this.now + 12 * HOUR,
      true,
    );
  }, { now: () => this.now });

  async token(question: Question = questionOf()): Promise<string> {
    return (await this.provider.token(question)).token;
  }

  get alive(): number[] {
    return this.sandboxes.filter(({ isAlive }) => isAlive).map(({ number }) => number);
  }
}

const at = (remoteHost: string) => questionOf({ innertube_context: { client: { remoteHost } } });
const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("one attestation serves all who wait and all who come later", async () => {
  const scene = new Scene();
  const tokens = await Promise.all(Array.from({ length: 20 }, () => scene.token()));
  assert.deepEqual(new Set([...tokens, await scene.token()]), new Set(["1-content"]));
  assert.equal(scene.asked, 1);
});

Deno.test("every identity has its own", async () => {
  const scene = new Scene();
  assert.equal(await scene.token(at("1.1.1.1")), "1-content");
  assert.equal(await scene.token(at("2.2.2.2")), "2-content");
  assert.equal(await scene.token(questionOf({ proxy: "http://bob:a@p:1" })), "3-content");
  assert.equal(await scene.token(questionOf({ proxy: "http://bob:b@p:1" })), "4-content");
  assert.deepEqual(scene.provider.labels(), ["1.1.1.1", "2.2.2.2", "http://p:1", "http://p:1"]);
});

Deno.test("it is renewed in the background, and the old one serves until then", async () => {
  const scene = new Scene();
  await scene.token();
  scene.now = 11 * HOUR;
  const gate = Promise.withResolvers<void>();
  scene.gate = gate.promise;
  assert.equal(await scene.token(), "1-content");
  assert.equal(await scene.token(), "1-content");
  assert.equal(scene.asked, 2);
  gate.resolve();
  await settled();
  assert.equal(await scene.token(), "2-content");
  assert.deepEqual(scene.alive, [2]);
});

Deno.test("a renewal that fails is tried again a minute later, and the old one serves", async () => {
  const scene = new Scene();
  await scene.token();
  scene.now = 11 * HOUR;
  scene.failure = new Failure("home page", "HTTP 429");
  for (const _ of [1, 2, 3]) {
    assert.equal(await scene.token(), "1-content");
    await settled();
  }
  assert.equal(scene.asked, 2);
  scene.now += 61 * SECOND;
  scene.failure = null;
  await scene.token();
  await settled();
  assert.equal(await scene.token(), "3-content");
});

Deno.test("what is used is renewed without being asked for, what is not is dropped", async () => {
  const scene = new Scene();
  await scene.token(at("used"));
  await scene.token(at("unused"));
  scene.now = 10.5 * HOUR;
  await scene.token(at("used"));
  scene.now = 11 * HOUR;
  scene.provider.tend();
  await settled();
  assert.deepEqual([scene.asked, scene.alive], [3, [2, 3]]);
  scene.now = 12 * HOUR;
  scene.provider.tend();
  assert.deepEqual([scene.alive, scene.provider.labels()], [[3], ["used"]]);
});

Deno.test("a failure is repeated for ten seconds without asking again", async () => {
  const scene = new Scene();
  scene.failure = new Failure("home page", "HTTP 429");
  await assert.rejects(scene.token(), scene.failure);
  scene.now = 9 * SECOND;
  await assert.rejects(scene.token(), scene.failure);
  assert.equal(scene.asked, 1);
  scene.now = 10 * SECOND;
  scene.failure = null;
  assert.equal(await scene.token(), "2-content");
});

Deno.test("a sandbox that has died is replaced at once", async () => {
  const scene = new Scene();
  await scene.token();
  scene.sandboxes[0]!.isAlive = false;
  assert.equal(await scene.token(), "2-content");
  scene.sandboxes[1]!.broken = new Failure("sandbox", "it has ended (crashed)");
  assert.equal(await scene.token(), "3-content");
});

Deno.test("an interpreter that makes no tokens is attested twice, then left alone", async () => {
  const scene = new Scene();
  scene.isUnusable = true;
  await assert.rejects(scene.token(), /mint: broken/);
  await assert.rejects(scene.token(), /mint: broken/);
  assert.deepEqual([scene.asked, scene.alive], [2, []]);
});

Deno.test("bypassing the cache asks anew, but not over and over", async () => {
  const scene = new Scene();
  const question = questionOf({ bypass_cache: true });
  assert.equal(await scene.token(question), "1-content");
  assert.equal(await scene.token(question), "1-content");
  scene.now = 11 * SECOND;
  assert.equal(await scene.token(question), "2-content");
  scene.now = 22 * SECOND;
  scene.failure = new Failure("home page", "HTTP 429");
  await assert.rejects(scene.token(question), scene.failure);
  assert.equal(await scene.token(), "2-content", "the old one has not been lost");
});

Deno.test("only so many are kept, and those used last", async () => {
  const scene = new Scene();
  for (const host of ["a", "b", "c", "d", "a", "e"]) await scene.token(at(host));
  assert.deepEqual(scene.provider.labels(), ["c", "d", "a", "e"]);
  assert.equal(scene.alive.length, 4);
});

Deno.test("only so many are attested at once", async () => {
  const scene = new Scene();
  await Promise.all(Array.from({ length: 8 }, (_, number) => scene.token(at(`${number}`))));
  assert.equal(scene.most, 2);
});

Deno.test("what is invalidated is not used again", async () => {
  const scene = new Scene();
  await scene.token();
  scene.provider.invalidate();
  assert.deepEqual([scene.alive, scene.provider.labels()], [[], []]);
  assert.equal(await scene.token(), "2-content");
});

Deno.test("tending forgets what is over", async () => {
  const scene = new Scene();
  scene.failure = new Failure("home page", "HTTP 429");
  for (let number = 0; number < 100; number++) await scene.token(at(`${number}`)).catch(() => {});
  scene.now = 11 * SECOND;
  scene.provider.tend();
  scene.failure = null;
  assert.equal(await scene.token(at("0")), "101-content");
});

Deno.test("a token is not waited for longer than allowed, whatever it waits for", async () => {
  const patience = { token: 80, attestation: 40 };
  const never = new Promise<never>(() => {});
  const punctual = new Provider((_, deadline) => deadline.bound("home page", () => never), { patience });
  await assert.rejects(punctual.token(questionOf()), /^Failure: home page: no answer within 0\.0 s$/);
  const late = new Provider(() => never, { patience });
  await assert.rejects(late.token(questionOf()), /^Failure: attestation: no answer within 0\.1 s$/);
});

Deno.test("those who wait for their turn do so no longer than others", async () => {
  const patience = { token: 80, attestation: 40 };
  const provider = new Provider(() => new Promise<never>(() => {}), { patience });
  const asked = ["a", "b", "c"].map((host) => provider.token(at(host)).catch(String));
  assert.deepEqual((await Promise.all(asked))[2], "Failure: sandbox: too many attestations at once");
});
