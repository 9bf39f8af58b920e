/** What the page reads of the functions' JSON (shared/schemas.py). */

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  retry_after: number | null;
}

export type Phase =
  | "queued"
  | "token"
  | "page"
  | "player_response"
  | "js_challenge"
  | "formats"
  | "probe"
  | "waiting"
  | "done";

export interface Format {
  format_id: string;
  container: string;
  resolution: string | null;
  dynamic_range: string | null;
  video_codec: { family: string; name: string } | null;
  audio_codec: { family: string; name: string } | null;
  bitrate: number | null;
  size: number | null;
  is_size_exact: boolean;
  language: string | null;
  stream_url: string;
  filename: string;
}

export type Group = "combined" | "video_only" | "audio_only";

export interface Subtitle {
  subtitle_id: string;
  language: string;
  name: string | null;
  is_automatic: boolean;
  url: string;
}

export interface Missing {
  code: string;
  detail: string;
  formats: string[];
  client: string | null;
}

export interface Media {
  media_id: string;
  title: string;
  channel: { name: string | null };
  duration: number | null;
  thumbnail_url: string | null;
  subtitles: Subtitle[];
  formats: Record<Group, Format[]>;
  is_degraded: boolean;
  missing: Missing[];
}

export interface Task {
  task_id: string;
  state: "pending" | "processing" | "completed" | "failed";
  progress: { percent: number; phase: Phase; message: string };
  attempt: number;
  max_attempts: number;
  queue_position: number | null;
  result: Media | null;
  problem: Problem | null;
}

export interface Session {
  is_required: boolean;
  is_authenticated: boolean;
}

export function isFinal(task: Task): boolean {
  return task.state === "completed" || task.state === "failed";
}
