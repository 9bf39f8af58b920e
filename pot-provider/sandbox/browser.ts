// @ts-types="@types/jsdom"
import { JSDOM, VirtualConsole } from "jsdom";

/**
 * Makes this process look like a browser on YouTube's home page.
 *
 * The interpreter shares this realm on purpose: bgutils-js tells functions and byte arrays by `instanceof`, which does
 * not hold across realms. The boundary is the process.
 */
export function becomeBrowser(config: Record<string, unknown> | null, userAgent: string): void {
  const { window } = new JSDOM(
    "<!DOCTYPE html><html lang=en><head><title>YouTube</title></head><body></body></html>",
    {
      url: "https://www.youtube.com/",
      referrer: "https://www.youtube.com/",
      pretendToBeVisual: true,
      resources: { userAgent },
      virtualConsole: new VirtualConsole(), // what a page complains about goes nowhere
    },
  );
  const visible: Record<string, unknown> = {
    window,
    document: window.document,
    location: window.location,
    origin: window.origin,
    navigator: window.navigator,
  };
  if (config) {
    visible.yt = { config_: config };
    Object.assign(window, { yt: visible.yt });
  }
  for (const [name, value] of Object.entries(visible)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: true, writable: true });
  }
}
