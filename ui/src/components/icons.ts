/** Drawings on a grid of 24, stroked with the colour of the text. */
export const ICONS = {
  back: "M19 12H5m6-6-6 6 6 6",
  check: "m5 12.5 4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v10H9zM5 15V5h10",
  download: "M12 4v11m-5-4.5 5 5 5-5M5 20h14",
  external: "M14 5h5v5m0-5-8 8M10 6H5v13h13v-5",
  history: "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5M12 8v4.5l3 1.5",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  play: "M8 5.5v13l10.5-6.5z",
  refresh: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.4M20 4.5v4.9h-4.9",
  settings:
    "M4 7h9m5 0h2M4 17h2m5 0h9M15.5 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8.5 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  warning: "M12 9v4.5m0 3v.01M12 4 3 19.5h18z",
} as const;

export type IconName = keyof typeof ICONS;
