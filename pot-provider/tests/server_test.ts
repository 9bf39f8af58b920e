import assert from "node:assert/strict";
import { Failure } from "../failure.ts";
import { type Fields, openLog } from "../log.ts";
import { Metrics } from "../metrics.ts";
import type { Provider } from "../provider.ts";
import type { Question } from "../question.ts";
import { createHandler, type Service } from "../server.ts";

const BODY = {
  content_binding: "content",
  proxy: null,
  challenge: null,
  bypass_cache: false,
  source_address: null,
};

/** A server whose provider answers as told. */
function serverWith(
  token: (question: Question) => Promise<{ token: string; expiresAt: number }> = () =>
    Promise.resolve({ token: "t0ken", expiresAt: 0 }),
  changes: Partial<Service> = {},
) {
  const provider = { token, invalidate: () => {}, labels: () => ["198.51.100.7"] } as unknown as Provider;
  const service = {
    provider,
    metrics: new Metrics(),
    log: () => {},
    globalProxy: null,
    isReady: () => true,
    ending: new AbortController().signal,
    ...changes,
  };
  const handler = createHandler(service);
  return {
    metrics: service.metrics,
    ask: (method: string, path: string, body: unknown = null, headers: Record<string, string> = {}) =>
      Promise.resolve(handler(
        new Request(`http://pot-provider:4416${path}`, {
          method,
          headers,
          body: body === null ? null : typeof body === "string" ? body : JSON.stringify(body),
        }),
      )),
  };
}

Deno.test("the version is the plugin's", async () => {
  const pong = await (await serverWith().ask("GET", "/ping")).json();
  assert.equal(pong.version, "2.0.2");
  assert.ok(pong.server_uptime >= 0);
});

Deno.test("a token", async () => {
  const answer = await serverWith().ask("POST", "/get_pot", BODY);
  assert.deepEqual([answer.status, await answer.json()], [
    200,
    { poToken: "t0ken", contentBinding: "content", expiresAt: "1970-01-01T00:00:00.000Z" },
  ]);
});

Deno.test("a failure is told with 200, since yt-dlp shows no other", async () => {
  const { ask, metrics } = serverWith(() => Promise.reject(new Failure("home page", "HTTP 429")));
  const answer = await ask("POST", "/get_pot", BODY);
  assert.deepEqual([answer.status, await answer.json()], [200, { error: "home page: HTTP 429" }]);
  assert.match(metrics.render(), /sluice_pot_tokens_total\{outcome="failed"\} 1/);
});

Deno.test("what a token is for is logged by the caller's name for it, if that is sane", async () => {
  const lines: Fields[] = [];
  const log = openLog({ level: "debug", format: "json", write: (line) => lines.push(JSON.parse(line)) });
  let asked: Question | null = null;
  const { ask } = serverWith((question) => {
    asked = question;
    return Promise.resolve({ token: "t", expiresAt: 0 });
  }, { log });
  for (const id of ["request-1", "a b", "x".repeat(65)]) {
    await ask("POST", "/get_pot", BODY, { "x-request-id": id });
  }
  await ask("POST", "/get_pot", BODY);
  assert.deepEqual(lines.map((line) => line.request_id), ["request-1", null, null, null]);
  await ask("POST", "/get_pot", BODY, { "x-request-id": "request-2" });
  assert.equal((asked as unknown as Question).requestId, "request-2");
});

Deno.test("whoever still waits when the service ends is told so", async () => {
  const ending = new AbortController();
  const { ask } = serverWith(() => new Promise(() => {}), { ending: ending.signal });
  const asked = ask("POST", "/get_pot", BODY);
  setTimeout(() => ending.abort());
  assert.deepEqual(await (await asked).json(), { error: "request: the token service is being stopped" });
});

Deno.test("what nobody foresaw is not repeated to the caller", async () => {
  const { ask } = serverWith(() => Promise.reject(new RangeError("s3cret")));
  assert.deepEqual(await (await ask("POST", "/get_pot", BODY)).json(), {
    error: "request: unexpected RangeError",
  });
});

Deno.test("what the plugin sends is understood", async () => {
  let asked: Question | null = null;
  const { ask } = serverWith((question) => {
    asked = question;
    return Promise.resolve({ token: "t", expiresAt: 0 });
  });
  await ask("POST", "/get_pot", {
    bypass_cache: true,
    challenge: { program: "p", globalName: "trayride", interpreterUrl: null },
    content_binding: "c",
    disable_tls_verification: true,
    proxy: "http://bob:s3cret@127.0.0.1:4501",
    innertube_context: { client: { remoteHost: "1.2.3.4", visitorData: "v" } },
    source_address: "10.0.0.1",
  });
  const question = asked as unknown as Question;
  assert.deepEqual(
    [
      question.identity,
      question.label,
      question.bypassCache,
      question.exit.sourceAddress,
      question.challenge,
    ],
    ["1.2.3.4", "1.2.3.4", true, "10.0.0.1", null],
  );
});

Deno.test("bodies", async (test) => {
  const cases: [string, unknown, number, string][] = [
    ["no JSON", "{", 400, "the body is no JSON"],
    ["no object", [], 400, "the body is no JSON object"],
    ["deprecated", { ...BODY, visitor_data: "v" }, 400, "visitor_data is deprecated; use content_binding"],
    ["deprecated too", { ...BODY, data_sync_id: "" }, 400, "data_sync_id is deprecated; use content_binding"],
    ["nothing to bind to", { ...BODY, content_binding: null }, 200, "request: content_binding must be"],
    ["no proxy", { ...BODY, proxy: "socks4://s3cret@p:1" }, 200, "proxy: the request's proxy is no http"],
    ["no address", { ...BODY, source_address: "eth0" }, 200, "request: source_address is no IP address"],
    ["too long", "x".repeat((1 << 20) + 1), 413, "the body is too long"],
  ];
  for (const [name, body, status, error] of cases) {
    await test.step(name, async () => {
      const answer = await serverWith().ask("POST", "/get_pot", body);
      const told = (await answer.json()).error;
      assert.deepEqual([answer.status, told.startsWith(error)], [status, true], told);
      assert.ok(!told.includes("s3cret"));
    });
  }
});

Deno.test("everything else of the protocol", async () => {
  const { ask } = serverWith();
  for (const path of ["/invalidate_caches", "/invalidate_it"]) {
    assert.equal((await ask("POST", path)).status, 204);
  }
  assert.deepEqual(await (await ask("GET", "/minter_cache")).json(), ["198.51.100.7"]);
  assert.equal((await ask("GET", "/")).status, 400);
  assert.equal((await ask("GET", "/elsewhere")).status, 404);
  assert.equal((await ask("GET", "/get_pot")).status, 404);
});

Deno.test("a page that is open in a browser gets nothing", async () => {
  const { ask } = serverWith();
  assert.equal((await ask("POST", "/get_pot", BODY, { origin: "http://evil.example" })).status, 403);
  assert.equal((await ask("GET", "/minter_cache", null, { "sec-fetch-site": "same-origin" })).status, 403);
});

Deno.test("health does not depend on Google", async () => {
  const { ask } = serverWith(undefined, { isReady: () => false });
  assert.equal((await ask("GET", "/healthz")).status, 200);
  assert.equal((await ask("GET", "/readyz")).status, 503);
  assert.equal((await serverWith().ask("GET", "/readyz")).status, 200);
});

Deno.test("metrics", async () => {
  const metrics = new Metrics(() => 1500);
  metrics.attested("home page");
  metrics.attested("done");
  metrics.sandboxExits.add({ reason: "memory" });
  metrics.watch("sluice_pot_minters", "Minters", () => 2);
  const lines = (await (await serverWith(undefined, { metrics }).ask("GET", "/metrics")).text()).split("\n");
  for (
    const line of [
      'sluice_pot_attestations_total{outcome="failed",stage="home_page"} 1',
      'sluice_pot_attestations_total{outcome="ok",stage="done"} 1',
      'sluice_pot_tokens_total{outcome="ok"} 0',
      'sluice_pot_tokens_total{outcome="failed"} 0',
      'sluice_pot_sandbox_exits_total{reason="memory"} 1',
      "process_start_time_seconds 1.5",
      "sluice_pot_last_attestation_timestamp_seconds 1.5",
      "# TYPE sluice_pot_minters gauge",
      "sluice_pot_minters 2",
    ]
  ) assert.ok(lines.includes(line), line);
});

Deno.test("the log keeps what is important enough", () => {
  const written: string[] = [];
  const log = openLog({ level: "info", format: "json", write: (line) => written.push(line) });
  log("debug", "token made");
  log("warning", "no token", { error: "home page: HTTP 429" });
  const { timestamp, ...rest } = JSON.parse(written.join()) as Fields;
  assert.deepEqual(rest, {
    event: "no token",
    level: "warning",
    logger: "pot-provider",
    error: "home page: HTTP 429",
  });
  assert.ok(Date.parse(String(timestamp)));
});
