import assert from "node:assert/strict";
import { Failure } from "../failure.ts";
import { chosenProxy, exitLabel, parseProxy, proxyUrl } from "../proxies.ts";

Deno.test("proxies are understood in every way they are written", () => {
  const written = {
    "http://proxy.example:3128": "http://proxy.example:3128",
    "HTTP://Proxy.Example": "http://proxy.example:80",
    "https://proxy.example": "https://proxy.example:443",
    "https://proxy.example:80/": "https://proxy.example:80",
    "socks5://proxy.example": "socks5h://proxy.example:1080",
    "socks5h://bob:s3cret@10.0.0.1:1": "socks5h://bob:s3cret@10.0.0.1:1",
    "http://b%40b:p%2F%3A@[::1]:8080": "http://b%40b:p%2F%3A@[::1]:8080",
    "http://bob@proxy.example:1": "http://bob:@proxy.example:1",
  };
  for (const [url, understood] of Object.entries(written)) {
    assert.equal(proxyUrl(parseProxy(url)), understood);
  }
});

Deno.test("what is no proxy is refused without being repeated", () => {
  for (
    const url of [
      "",
      "proxy:1",
      "ftp://s3cret:1",
      "socks4://s3cret:1",
      "http://",
      "http://s3cret/path",
      "http://a:b:c",
    ]
  ) {
    assert.throws(
      () => parseProxy(url),
      (error: Error) => error instanceof RangeError && !/s3cret/.test(error.message),
    );
  }
});

Deno.test("a pinned proxy is the only one", () => {
  const pinned = parseProxy("socks5://bob:s3cret@proxy.example:1");
  assert.deepEqual(chosenProxy("socks5h://bob:s3cret@PROXY.example:1", pinned), pinned);
  for (
    const other of [
      null,
      "socks5://bob:other@proxy.example:1",
      "http://bob:s3cret@proxy.example:1",
      "nonsense",
    ]
  ) {
    assert.throws(
      () => chosenProxy(other, pinned),
      (error) => error instanceof Failure && error.stage === "proxy",
    );
  }
  assert.equal(chosenProxy(null, null), null);
});

Deno.test("a label has no password", () => {
  const exit = { proxy: parseProxy("http://bob:s3cret@proxy.example:1"), sourceAddress: "10.0.0.2" };
  assert.equal(exitLabel(exit), "http://proxy.example:1 from 10.0.0.2");
});
