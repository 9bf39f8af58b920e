import type { Format, Media, Task } from "../../api/schemas.ts";

/** What tests begin with; each names what matters to it. */
export function format(id: string, changes: Partial<Format> = {}): Format {
  return {
    format_id: id,
    container: "mp4",
    extension: "mp4",
    resolution: "1080p",
    width: 1920,
    height: 1080,
    fps: 30,
    dynamic_range: "SDR",
    video_codec: { family: "h264", name: "avc1.640028" },
    audio_codec: null,
    bitrate: 1_000_000,
    size: 1_000_000,
    is_size_exact: true,
    language: null,
    audio_track: null,
    available_at: null,
    version: null,
    stream_url: `/v1/stream/dQw4w9WgXcQ/${id}`,
    filename: `${id}.mp4`,
    ...changes,
  };
}

export const SOUND: Partial<Format> = {
  resolution: null,
  fps: null,
  dynamic_range: null,
  video_codec: null,
  audio_codec: { family: "aac", name: "mp4a.40.2" },
  bitrate: 128_000,
};

export function media(changes: Partial<Media> = {}): Media {
  return {
    media_id: "dQw4w9WgXcQ",
    url: "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    title: "A video",
    channel: { name: "A channel", id: null, url: null },
    duration: 63,
    thumbnail_url: null,
    published_at: null,
    view_count: null,
    live_status: "not_live",
    chapters: [],
    subtitles: [],
    formats: { combined: [], video_only: [], audio_only: [] },
    merges: [],
    recommended: [],
    is_degraded: false,
    missing: [],
    analyzed_at: "2026-05-04T10:00:00Z",
    fresh_until: "2026-05-04T11:00:00Z",
    ...changes,
  };
}

export function task(changes: Partial<Task> = {}): Task {
  return {
    task_id: "t1",
    media_id: "dQw4w9WgXcQ",
    url: "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    state: "processing",
    progress: { percent: 40, phase: "formats", message: "" },
    attempt: 1,
    max_attempts: 5,
    next_attempt_at: null,
    queue_position: null,
    created_at: "2026-05-04T10:00:00Z",
    updated_at: "2026-05-04T10:00:01Z",
    result: null,
    problem: null,
    ...changes,
  };
}
