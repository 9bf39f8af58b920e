import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { getSession, signIn, signOut } from "../api/analyze.ts";
import { queryClient } from "./queries.ts";

const KEY = ["session"] as const;

export interface Access {
  isNeeded: Readonly<Ref<boolean>>;
  canLeave: Readonly<Ref<boolean>>;
  enter(key: string): Promise<void>;
  leave(): Promise<void>;
}

/** Whether people have to enter the access key before anything else. Nothing waits for the answer. */
export function useAccess(): Access {
  const client = useQueryClient();
  const { data } = useQuery({ queryKey: KEY, queryFn: getSession, staleTime: Infinity });

  async function enter(key: string): Promise<void> {
    await signIn(key);
    await client.invalidateQueries();
  }

  async function leave(): Promise<void> {
    await signOut();
    await recheck();
  }

  return {
    isNeeded: computed(() =>
      data.value !== undefined && data.value.is_required && !data.value.is_authenticated
    ),
    canLeave: computed(() =>
      data.value !== undefined && data.value.is_required && data.value.is_authenticated
    ),
    enter,
    leave,
  };
}

/** After a 401: the key may have changed. */
export function recheck(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: KEY });
}
