import { computed, type ComputedRef } from "vue";
import { language, TAGS } from "./i18n.ts";

const STEPS = ["B", "KB", "MB", "GB", "TB"] as const;

export interface Units {
  bytes(count: number): string;
  bits(perSecond: number): string;
  count(value: number): string;
  date(time: string): string;
  moment(time: string): string;
  /** A language by its tag. */
  tongue(tag: string): string;
}

/** Numbers, times and languages as a locale writes them; sizes with decimal steps, as browsers show downloads. */
export function unitsOf(tag: string): Units {
  const scaled = (value: number, step: number) =>
    new Intl.NumberFormat(tag, { maximumFractionDigits: step === 0 || value >= 100 ? 0 : 1 }).format(value);
  const compact = new Intl.NumberFormat(tag, { notation: "compact", maximumFractionDigits: 1 });
  const day = new Intl.DateTimeFormat(tag, { dateStyle: "medium" });
  const minute = new Intl.DateTimeFormat(tag, { dateStyle: "medium", timeStyle: "short" });
  const names = new Intl.DisplayNames(tag, { type: "language" });
  return {
    bytes(count) {
      const step = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), STEPS.length - 1);
      return `${scaled(count / 1000 ** step, step)} ${STEPS[step]}`;
    },
    bits: (perSecond) =>
      perSecond >= 1e6 ? `${scaled(perSecond / 1e6, 1)} Mbit/s` : `${Math.round(perSecond / 1000)} kbit/s`,
    count: (value) => compact.format(value),
    date: (time) => day.format(new Date(time)),
    moment: (time) => minute.format(new Date(time)),
    tongue(known) {
      try {
        return names.of(known) ?? known;
      } catch {
        return known; // the source's tag is not one
      }
    },
  };
}

/** "1:02:03" or "2:03", which every language understands. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, index) => index === 0 ? `${part}` : `${part}`.padStart(2, "0")).join(":");
}

const current = computed(() => unitsOf(TAGS[language.value]));

export function useUnits(): ComputedRef<Units> {
  return current;
}
