import { type Ref, ref } from "vue";
import { getSession, signIn } from "../api/analyze.ts";

export interface AccessKey {
  isNeeded: Readonly<Ref<boolean>>;
  /** Ask the system; also after a 401, since a key can change. */
  check(): Promise<void>;
  /** Exchange the key for a cookie. */
  enter(key: string): Promise<void>;
}

/** Whether people have to enter the access key before anything else. */
export function useAccessKey(): AccessKey {
  const isNeeded = ref(false);

  async function check(): Promise<void> {
    const session = await getSession();
    isNeeded.value = session.is_required && !session.is_authenticated;
  }

  async function enter(key: string): Promise<void> {
    await signIn(key);
    await check();
  }

  return { isNeeded, check, enter };
}
