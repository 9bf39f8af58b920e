/**
 * One line per event on stdout, with the same keys as the functions write. Callers pass only what may be read by
 * anyone: no token, no visitor data, no proxy password.
 */

export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];
export type Fields = Record<string, string | number | boolean | null>;
export type Log = (level: LogLevel, event: string, fields?: Fields) => void;

/** A log that keeps what is at least this important. */
export function openLog(
  { level, format, write }: { level: LogLevel; format: "json" | "console"; write: (line: string) => void },
): Log {
  const least = LEVELS.indexOf(level);
  const render = format === "json" ? asJson : asText;
  return (level, event, fields = {}) => {
    if (LEVELS.indexOf(level) >= least) write(render(new Date().toISOString(), level, event, fields));
  };
}

function asJson(timestamp: string, level: LogLevel, event: string, fields: Fields): string {
  return JSON.stringify({ ...fields, event, level, logger: "pot-provider", timestamp });
}

function asText(timestamp: string, level: LogLevel, event: string, fields: Fields): string {
  const details = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return [timestamp, `[${level}]`, event, ...details].join(" ");
}
