import assert from "node:assert/strict";
import { Failure } from "../failure.ts";
import { allowedUrl } from "../hosts.ts";

Deno.test("what is needed is allowed", () => {
  const needed = [
    "https://www.youtube.com/",
    "https://www.youtube.com/youtubei/v1/att/get?prettyPrint=false",
    "//www.google.com/js/th/hash.js",
    "/s/player/interpreter.js",
    "https://jnn-pa.googleapis.com/$rpc/google.internal.waa.v1.Waa/GenerateIT",
  ];
  for (const url of needed) assert.equal(allowedUrl(url, "interpreter").protocol, "https:");
});

Deno.test("nothing else is", () => {
  const others = [
    "http://www.google.com/js/th/x.js",
    "https://www.google.com/search",
    "https://www.google.com/js/../search",
    "https://www.google.com.evil.example/js/th/x.js",
    "https://evil.example/js/th/x.js",
    "https://wwwxgoogle.com/js/th/x.js",
    "https://www.google.com:8443/js/th/x.js",
    "https://user@www.google.com/js/th/x.js",
    "https://www.google.com@evil.example/js/th/x.js",
    "//127.0.0.1/js/th/x.js",
    "https://m.youtube.com/",
    "https://www.youtube.com/watch?v=x",
    "https://www.youtube.com/redirect?q=x",
    "file:///etc/passwd",
    "data:text/javascript,1",
    "https://",
  ];
  for (const url of others) assert.throws(() => allowedUrl(url, "interpreter"), Failure, url);
});
