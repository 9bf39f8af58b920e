import assert from "node:assert/strict";
import { Deadline } from "../deadline.ts";
import type { ExitReason } from "../sandbox/process.ts";
import { Spare } from "../sandbox/spare.ts";

Deno.test("after the end there is no sandbox, whoever asks", async () => {
  const ended: ExitReason[] = [];
  const spare = new Spare((reason) => ended.push(reason));
  spare.warm(new Deadline(10_000));
  const taken = spare.take();
  spare.warm(new Deadline(10_000));
  assert.equal(spare.alive, 2);
  await spare.close();
  spare.warm(new Deadline(10_000));
  assert.throws(() => spare.take(), /^Failure: sandbox: the token service is being stopped$/);
  assert.deepEqual([taken.isAlive, spare.alive, ended], [false, 0, ["retired", "retired"]]);
});
