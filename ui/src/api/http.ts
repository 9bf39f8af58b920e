import type { Problem } from "./schemas.ts";

/** An answer other than 2xx, or none at all (`code` is then `unreachable`, which is this page's own). */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
  }
}

export interface Options {
  signal?: AbortSignal;
}

/** One request; paths are relative to `<base>`, so that ROOT_PATH needs no thought anywhere else. */
export async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const answer = await reach(path, init);
  if (!answer.ok) throw new ProblemError(await readProblem(answer));
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export function json(method: "POST" | "DELETE", body: unknown, { signal }: Options = {}): RequestInit {
  return {
    method,
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
    ...(signal && { signal }),
  };
}

export function resolve(path: string): URL {
  return new URL(path, document.baseURI);
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(resolve(path), init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ProblemError(unnamed("unreachable", 0, "Sluice does not answer."));
  }
}

/** A reverse proxy in front may answer with something else than a problem. */
async function readProblem(answer: Response): Promise<Problem> {
  const isProblem = answer.headers.get("content-type")?.startsWith("application/problem+json");
  return isProblem
    ? await answer.json() as Problem
    : unnamed("internal_error", answer.status, `${answer.status} ${answer.statusText}`);
}

function unnamed(code: string, status: number, detail: string): Problem {
  return { code, status, title: detail, detail, retry_after: null };
}
