/** Everything that can be downloaded of a video, in one shape: single files and merges. */
import type { Format, Group, Media, Merge } from "../api/schemas.ts";

export interface Offer {
  format_id: string;
  group: Group;
  isMerge: boolean;
  container: string;
  resolution: string | null;
  lines: number; // 2160 of "2160p60"; 0 for audio
  fps: number | null;
  dynamicRange: string | null;
  video: Format["video_codec"];
  audio: Format["audio_codec"];
  bitrate: number | null;
  size: number | null;
  isSizeExact: boolean;
  language: string | null;
  track: string | null;
  isOriginal: boolean;
  availableAt: string | null;
  url: string;
  filename: string;
}

/** Merges first: they are what most people want. */
export function offersOf({ formats, merges }: Media): Offer[] {
  const single = (["combined", "video_only", "audio_only"] as const).flatMap((group) =>
    formats[group].map((format) => fromFormat(format, group))
  );
  const byId = new Map(single.map((offer) => [offer.format_id, offer]));
  const merged = merges.map((merge) =>
    fromMerge(merge, byId.get(merge.video_format_id), byId.get(merge.audio_format_id))
  );
  return [...merged, ...single];
}

function fromFormat(format: Format, group: Group): Offer {
  return {
    format_id: format.format_id,
    group,
    isMerge: false,
    container: format.container,
    resolution: format.resolution,
    lines: linesOf(format.resolution),
    fps: format.fps,
    dynamicRange: format.dynamic_range,
    video: format.video_codec,
    audio: format.audio_codec,
    bitrate: format.bitrate,
    size: format.size,
    isSizeExact: format.is_size_exact,
    language: format.audio_track?.id.split(".")[0] ?? format.language,
    track: format.audio_track?.name ?? null,
    isOriginal: format.audio_track?.is_original ?? false,
    availableAt: format.available_at,
    url: format.stream_url,
    filename: format.filename,
  };
}

/** What a merge does not say of itself, its two files say. */
function fromMerge(merge: Merge, video: Offer | undefined, audio: Offer | undefined): Offer {
  return {
    format_id: merge.format_id,
    group: "combined",
    isMerge: true,
    container: merge.container,
    resolution: merge.resolution,
    lines: linesOf(merge.resolution),
    fps: video?.fps ?? null,
    dynamicRange: video?.dynamicRange ?? null,
    video: video?.video ?? null,
    audio: audio?.audio ?? null,
    bitrate: video?.bitrate && audio?.bitrate ? video.bitrate + audio.bitrate : null,
    size: merge.size,
    isSizeExact: merge.is_size_exact,
    language: audio?.language ?? null,
    track: audio?.track ?? null,
    isOriginal: audio?.isOriginal ?? false,
    availableAt: [video?.availableAt, audio?.availableAt].reduce<string | null>(later, null),
    url: merge.stream_url,
    filename: merge.filename,
  };
}

export function linesOf(resolution: string | null): number {
  return Number.parseInt(resolution ?? "0", 10) || 0;
}

function later(a: string | null, b: string | null | undefined): string | null {
  return a === null || (b && b > a) ? b ?? a : a;
}
