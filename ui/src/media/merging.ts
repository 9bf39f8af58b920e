/** News about a task may arrive twice or late over different channels: what is known never goes back. Pure. */
import { isFinal, type Task } from "../api/schemas.ts";

export function merged(known: Task | undefined, news: Task): Task {
  if (known === undefined || known.task_id !== news.task_id) return news;
  if (isFinal(known)) return known;
  if (isFinal(news)) return news;
  if (news.updated_at < known.updated_at) return known;
  return news.progress.percent >= known.progress.percent
    ? news
    : { ...news, progress: { ...news.progress, percent: known.progress.percent } };
}
