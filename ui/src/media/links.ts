/** Finding links in whatever was pasted, dropped or shared: lines, lists, sentences, with or without spaces around. Pure. */

const LINK =
  /(?:https?:\/\/|(?<![\w./-])(?:www\.|m\.|music\.)?youtu(?:be(?:-nocookie)?\.com|\.be)\/)[\w\-.~:/?#@!$&*+=%]+/gi;
const ID = /^[A-Za-z0-9_-]{11}$/;

/** Each link or id once, in order. A text that holds neither is handed on as it is: the system says what is wrong with it. */
export function linksIn(text: string): string[] {
  const links = (text.match(LINK) ?? []).map((link) => link.replace(/[.,!?:]+$/, ""));
  if (links.length > 0) return [...new Set(links)];
  const words = text.split(/[\s,;]+/).filter(Boolean);
  if (words.length > 0 && words.every((word) => ID.test(word))) return [...new Set(words)];
  return text.trim() ? [text.trim()] : [];
}

/** Whether it is links and nothing else, so that pasting it is as good as submitting it. */
export function isComplete(text: string): boolean {
  return text.trim() !== "" && text.replace(LINK, "").replace(/[\s,;]+/g, "") === "";
}
