import { analyzeApi, type Options } from "./client.ts";
import type { Session, Task } from "./schemas.ts";

/** Accepted, joined or answered from the cache; `url` is any form of a video's URL, or its id. */
export async function analyze(
  url: string,
  { refresh = false, signal }: Options & { refresh?: boolean } = {},
): Promise<Task> {
  const { data } = await analyzeApi.POST("/v1/analyze", { body: { url, refresh }, ...given(signal) });
  return data!;
}

export async function getSession({ signal }: Options = {}): Promise<Session> {
  const { data } = await analyzeApi.GET("/v1/session", given(signal));
  return data!;
}

/** Exchanges the access key for a cookie. */
export async function signIn(key: string): Promise<void> {
  await analyzeApi.POST("/v1/session", { body: { key } });
}

export async function signOut(): Promise<void> {
  await analyzeApi.DELETE("/v1/session", { body: {}, headers: { "content-type": "application/json" } });
}

function given(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
