import type { Problem } from "./schemas.ts";

/** An answer other than 2xx, or none at all (its code is then `unreachable`, the page's own). */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
  }
}

/** A reverse proxy in front may answer with something else than a problem. */
export async function readProblem(answer: Response): Promise<Problem> {
  const isProblem = answer.headers.get("content-type")?.startsWith("application/problem+json");
  return isProblem
    ? await answer.json() as Problem
    : unnamed("internal_error", answer.status, `${answer.status} ${answer.statusText}`.trim());
}

export function unreachable(): Problem {
  return unnamed("unreachable", 0, "");
}

/** What went wrong, as a problem; anything that is none is a bug and is thrown on. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  throw error;
}

function unnamed(code: string, status: number, detail: string): Problem {
  return { type: `urn:sluice:problem:${code}`, code, status, title: detail, detail, retry_after: null };
}
