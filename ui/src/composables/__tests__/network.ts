import { afterEach, beforeEach, vi } from "vitest";
import type { Task } from "../../api/schemas.ts";

/** A stream of events that the test writes. */
export class Events extends EventTarget {
  static all: Events[] = [];
  static get latest(): Events {
    return Events.all.at(-1)!;
  }
  isClosed = false;
  constructor(readonly url: URL) {
    super();
    Events.all.push(this);
  }
  close(): void {
    this.isClosed = true;
  }
  send(task: Task): void {
    this.dispatchEvent(new MessageEvent("task", { data: JSON.stringify(task) }));
  }
  end(): void {
    this.dispatchEvent(new Event("error"));
  }
}

export const fetching = vi.fn<(request: Request) => Promise<Response>>();

export function answer(body: unknown, status = 200): Response {
  const type = status < 400 ? "application/json" : "application/problem+json";
  return new Response(JSON.stringify(body), { status, headers: { "content-type": type } });
}

export function useNetwork(): void {
  beforeEach(() => {
    vi.stubGlobal("EventSource", Events);
    vi.stubGlobal("fetch", fetching);
    vi.useFakeTimers();
    Events.all = [];
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
    fetching.mockReset();
  });
}
