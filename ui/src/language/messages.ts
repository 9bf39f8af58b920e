import type { Group, Phase } from "../api/schemas.ts";

export interface Messages {
  tagline: string;
  link: string;
  analyze: string;
  key: string;
  enter: string;
  download: string;
  unknownSize: string;
  subtitles: string;
  automatic: string;
  missing: string;
  degraded: string;
  unreachable: string;
  queued: (position: number) => string;
  attempt: (attempt: number, of: number) => string;
  retryAfter: (seconds: number) => string;
  groups: Record<Group, string>;
  phases: Record<Phase, string>;
}

export const en: Messages = {
  tagline: "Paste a YouTube link, save the file you want.",
  link: "YouTube link",
  analyze: "Analyze",
  key: "Access key",
  enter: "Enter",
  download: "Download",
  unknownSize: "size unknown",
  subtitles: "Subtitles",
  automatic: "automatic",
  missing: "Not available",
  degraded: "Something better than what is listed may exist.",
  unreachable: "Sluice does not answer.",
  queued: (position) => `number ${position} in the queue`,
  attempt: (attempt, of) => `attempt ${attempt} of ${of}`,
  retryAfter: (seconds) => `Try again in ${seconds} s.`,
  groups: { combined: "Video with sound", video_only: "Video only", audio_only: "Sound only" },
  phases: {
    queued: "Waiting in the queue",
    token: "Getting a token",
    page: "Reading the page",
    player_response: "Asking the player",
    js_challenge: "Solving the challenge",
    formats: "Listing the formats",
    probe: "Checking the files",
    waiting: "Waiting before the next attempt",
    done: "Done",
  },
};

export const zh: Messages = {
  tagline: "粘贴 YouTube 链接,保存所需的文件。",
  link: "YouTube 链接",
  analyze: "分析",
  key: "访问密钥",
  enter: "进入",
  download: "下载",
  unknownSize: "大小未知",
  subtitles: "字幕",
  automatic: "自动生成",
  missing: "无法提供",
  degraded: "可能存在比列表中更好的格式。",
  unreachable: "Sluice 没有响应。",
  queued: (position) => `排队第 ${position} 位`,
  attempt: (attempt, of) => `第 ${attempt} 次尝试,共 ${of} 次`,
  retryAfter: (seconds) => `请在 ${seconds} 秒后重试。`,
  groups: { combined: "音视频", video_only: "仅视频", audio_only: "仅音频" },
  phases: {
    queued: "排队中",
    token: "正在获取令牌",
    page: "正在读取页面",
    player_response: "正在请求播放器",
    js_challenge: "正在解算质询",
    formats: "正在列出格式",
    probe: "正在检查文件",
    waiting: "等待下一次尝试",
    done: "完成",
  },
};
