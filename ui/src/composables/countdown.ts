import { useIntervalFn } from "@vueuse/core";
import { computed, type MaybeRefOrGetter, type Ref, shallowRef, toValue, watch } from "vue";

/** Whole seconds until a moment (RFC 3339 or ms); 0 when it has passed, null where there is none: then nothing ticks. */
export function useCountdown(moment: MaybeRefOrGetter<string | number | null>): Readonly<Ref<number | null>> {
  const now = shallowRef(Date.now());
  const tick = () => now.value = Date.now();
  const ticking = useIntervalFn(tick, 500, { immediate: false });
  watch(() => toValue(moment), (until) => {
    tick();
    if (until === null) ticking.pause();
    else ticking.resume();
  }, { immediate: true });
  return computed(() => {
    const until = toValue(moment);
    return until === null ? null : Math.max(0, Math.ceil((new Date(until).getTime() - now.value) / 1000));
  });
}
