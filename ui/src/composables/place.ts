import { useEventListener } from "@vueuse/core";
import { readonly, type Ref, shallowRef } from "vue";

/** The page's own address: `?v=` is a video, nothing is the start page. Both can be shared, reloaded and gone back to. */
const video = shallowRef(videoIn(location.search));

export interface Place {
  video: Readonly<Ref<string | null>>;
  open(mediaId: string): void;
  leave(): void;
}

export function usePlace(): Place {
  return {
    video: readonly(video),
    open: (mediaId) => go(addressOf(mediaId)),
    leave: () => go(addressOf(null)),
  };
}

/** Keeps up with the browser's own back and forward. */
export function useBackAndForward(): void {
  useEventListener(globalThis, "popstate", () => video.value = videoIn(location.search));
}

export function addressOf(mediaId: string | null): string {
  const address = new URL(".", document.baseURI);
  if (mediaId !== null) address.searchParams.set("v", mediaId);
  return address.href;
}

/** What another application shares with this one (`?url=`, or the share target's title and text); asked for once. */
export function takeShared(): string {
  const query = new URLSearchParams(location.search);
  const shared = ["url", "text", "title"].flatMap((name) => query.getAll(name)).filter(Boolean);
  if (shared.length > 0) history.replaceState(null, "", addressOf(null));
  return shared.find((text) => /https?:/.test(text)) ?? shared[0] ?? "";
}

function go(address: string): void {
  if (address !== location.href) history.pushState(null, "", address);
  video.value = videoIn(location.search);
}

function videoIn(search: string): string | null {
  return new URLSearchParams(search).get("v") || null;
}
