import { reactive, readonly } from "vue";
import { problemOf } from "../api/problem.ts";
import type { Problem } from "../api/schemas.ts";
import { begin } from "./tasks.ts";

export interface Submission {
  link: string;
  mediaId: string | null;
  problem: Problem | null;
}

const AT_ONCE = 4;
const submissions = reactive<Submission[]>([]);

/** Links of this window, latest first; each becomes a task or a problem. */
export function useSubmissions() {
  /** The accepted ones, in the order given. */
  async function submit(links: readonly string[]): Promise<Submission[]> {
    const added = links.map((link): Submission => reactive({ link, mediaId: null, problem: null }));
    for (const link of links) remove(link);
    submissions.unshift(...added);
    const waiting = [...added];
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await send(next);
    }));
    return added;
  }

  return { submissions: readonly(submissions), submit, send, remove };
}

async function send(submission: Submission): Promise<void> {
  submission.problem = null;
  try {
    submission.mediaId = (await begin(submission.link)).media_id;
  } catch (error) {
    submission.problem = problemOf(error);
  }
}

function remove(link: string): void {
  const index = submissions.findIndex((known) => known.link === link);
  if (index >= 0) submissions.splice(index, 1);
}
