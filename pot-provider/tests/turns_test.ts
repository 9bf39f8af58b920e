import assert from "node:assert/strict";
import { Deadline } from "../deadline.ts";
import { Turns } from "../turns.ts";

Deno.test("everybody has a turn, in order", async () => {
  const turns = new Turns(1);
  const seen: number[] = [];
  await Promise.all([1, 2, 3].map((number) =>
    turns.take(new Deadline(1000), async () => {
      await Promise.resolve();
      seen.push(number);
    })
  ));
  assert.deepEqual(seen, [1, 2, 3]);
});

Deno.test("who waits too long goes, and takes no turn", async () => {
  const turns = new Turns(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = turns.take(new Deadline(1000), () => promise);
  await assert.rejects(turns.take(new Deadline(5), () => Promise.reject()), /too many attestations at once/);
  resolve();
  await first;
  assert.equal(await turns.take(new Deadline(5), () => Promise.resolve("again")), "again");
});

Deno.test("a failure ends a turn as well", async () => {
  const turns = new Turns(1);
  await assert.rejects(turns.take(new Deadline(5), () => Promise.reject(new Error("mine"))), /mine/);
  assert.equal(await turns.take(new Deadline(5), () => Promise.resolve("next")), "next");
});
