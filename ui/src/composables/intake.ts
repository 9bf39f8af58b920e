import { readonly, type Ref, shallowRef } from "vue";
import type { Problem } from "../api/schemas.ts";
import { linksIn } from "../media/links.ts";
import { usePlace } from "./place.ts";
import { useSubmissions } from "./submissions.ts";

const isBusy = shallowRef(false);
const problem = shallowRef<Problem | null>(null);

export interface Intake {
  /** Takes whatever was typed, pasted, dropped or shared: one link is opened, several become a list. Whether it is done with: the list keeps what was refused of several. */
  take(text: string): Promise<boolean>;
  isBusy: Readonly<Ref<boolean>>;
  /** Why a single link was refused; those of a list are told in the list. */
  problem: Readonly<Ref<Problem | null>>;
}

export function useIntake(): Intake {
  const { submit, remove } = useSubmissions();
  const { open, leave } = usePlace();

  async function take(text: string): Promise<boolean> {
    const links = linksIn(text);
    problem.value = null;
    if (links.length === 0) return false;
    if (links.length > 1) leave();
    isBusy.value = true;
    try {
      const sent = await submit(links);
      const [only] = sent;
      if (links.length === 1 && only) {
        problem.value = only.problem;
        if (only.mediaId) open(only.mediaId);
        else {
          remove(only.link);
          leave();
        }
      }
      return links.length > 1 || only?.problem === null;
    } finally {
      isBusy.value = false;
    }
  }

  return { take, isBusy: readonly(isBusy), problem: readonly(problem) as Readonly<Ref<Problem | null>> };
}
