import { useLocalStorage } from "@vueuse/core";
import type { Media } from "../api/schemas.ts";

export interface Visit extends Pick<Media, "media_id" | "title" | "duration" | "thumbnail_url"> {
  channel: string | null;
  at: string; // RFC 3339
}

const MOST = 200;

/** What was opened here, latest first; on this device only. */
export const visits = useLocalStorage<Visit[]>("sluice.history", []);

export function remember({ media_id, title, duration, thumbnail_url, channel }: Media): void {
  const visit = {
    media_id,
    title,
    duration,
    thumbnail_url,
    channel: channel.name,
    at: new Date().toISOString(),
  };
  visits.value = [visit, ...others(media_id)].slice(0, MOST);
}

export function forget(mediaId: string): void {
  visits.value = others(mediaId);
}

export function forgetAll(): void {
  visits.value = [];
}

function others(mediaId: string): Visit[] {
  return visits.value.filter((visit) => visit.media_id !== mediaId);
}
