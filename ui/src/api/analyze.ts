import { json, type Options, request } from "./http.ts";
import type { Session, Task } from "./schemas.ts";

export function analyze(url: string, options: Options & { refresh?: boolean } = {}): Promise<Task> {
  return request("v1/analyze", json("POST", { url, refresh: options.refresh ?? false }, options));
}

export function getSession(): Promise<Session> {
  return request("v1/session");
}

export function signIn(key: string): Promise<void> {
  return request("v1/session", json("POST", { key }));
}
