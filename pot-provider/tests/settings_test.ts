import assert from "node:assert/strict";
import { BadSetting, readSettings } from "../settings.ts";

const readFile = (path: string) => {
  if (path !== "ca.pem") throw new Deno.errors.NotFound();
  return "-----BEGIN CERTIFICATE-----";
};

Deno.test("certificates are read", () => {
  const { trust } = readSettings((name) => name === "SSL_CERT_FILE" ? "ca.pem" : undefined, readFile);
  assert.deepEqual(trust, ["-----BEGIN CERTIFICATE-----"]);
});

Deno.test("nothing needs to be set", () => {
  const settings = {
    host: "127.0.0.1",
    port: 4416,
    logLevel: "info",
    logFormat: "json",
    globalProxy: null,
    trust: [],
  };
  assert.deepEqual(readSettings(() => undefined, readFile), settings);
  assert.deepEqual(readSettings(() => " ", readFile), settings);
});

Deno.test("a bad value is named", () => {
  const bad = {
    HOST: "a b",
    PORT: "70000",
    LOG_LEVEL: "loud",
    LOG_FORMAT: "xml",
    GLOBAL_PROXY: "s3cret",
    SSL_CERT_FILE: "empty",
  };
  for (const [name, value] of Object.entries(bad)) {
    assert.throws(
      () => readSettings((asked) => asked === name ? value : undefined, readFile),
      (error) =>
        error instanceof BadSetting && error.message.startsWith(`${name}: must`) &&
        !/s3cret/.test(error.message),
    );
  }
});
