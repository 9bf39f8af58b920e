import createClient from "openapi-fetch";
import type { paths as AnalyzePaths } from "./generated/analyze.ts";
import type { paths as StatusPaths } from "./generated/status.ts";
import { ProblemError, readProblem, unreachable } from "./problem.ts";

export interface Options {
  signal?: AbortSignal | undefined;
}

/** Paths are relative to `<base>`, so that ROOT_PATH needs no thought anywhere else. */
export function address(path: string): URL {
  return new URL(path, document.baseURI);
}

/** Every failure becomes a ProblemError here, and nowhere else; an abort stays one. */
export async function reach(request: Request): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ProblemError(unreachable());
  }
  if (!answer.ok) throw new ProblemError(await readProblem(answer));
  return answer;
}

const options = { baseUrl: address("").href.replace(/\/$/, ""), fetch: reach };

export const analyzeApi = createClient<AnalyzePaths>(options);
export const statusApi = createClient<StatusPaths>(options);
