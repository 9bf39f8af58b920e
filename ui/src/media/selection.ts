/** Filtering and sorting a list of offers. Pure. */
import type { Offer } from "./offers.ts";

export const FACETS = {
  resolution: (offer: Offer) => offer.lines ? `${offer.lines}p` : null,
  codec: (offer: Offer) => offer.video?.family ?? offer.audio?.family ?? null,
  range: (offer: Offer) => offer.dynamicRange,
  fps: (offer: Offer) => offer.fps ? `${Math.round(offer.fps)}` : null,
  language: (offer: Offer) => offer.language,
  container: (offer: Offer) => offer.container,
} as const;

export type Facet = keyof typeof FACETS;
export type Filter = Partial<Record<Facet, string>>;

export const SORTS = ["quality", "size", "bitrate"] as const;
export interface Order {
  by: (typeof SORTS)[number];
  isAscending: boolean;
}

export interface Choice {
  facet: Facet;
  values: string[];
}

/** The facets in which these offers differ, with their values, highest numbers first. */
export function choices(offers: readonly Offer[]): Choice[] {
  return (Object.keys(FACETS) as Facet[]).flatMap((facet) => {
    const values = [...new Set(offers.map(FACETS[facet]))].filter((value) => value !== null);
    return values.length > 1 ? [{ facet, values: values.toSorted(byNumberThenName) }] : [];
  });
}

export function filtered(offers: readonly Offer[], filter: Filter): Offer[] {
  const wanted = Object.entries(filter) as [Facet, string][];
  return offers.filter((offer) => wanted.every(([facet, value]) => FACETS[facet](offer) === value));
}

/** Unknown values come last, whichever way the rest goes. */
export function sorted(offers: readonly Offer[], { by, isAscending }: Order): Offer[] {
  const value = (offer: Offer) => by === "quality" ? quality(offer) : offer[by];
  return offers.toSorted((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    return isAscending ? left - right : right - left;
  });
}

/** Resolution, then frame rate, then HDR; sound by its bitrate. The given order decides between equals. */
function quality(offer: Offer): number {
  if (!offer.video) return offer.bitrate ?? 0;
  const isHdr = offer.dynamicRange !== null && offer.dynamicRange !== "SDR";
  return offer.lines * 1000 + Math.round(offer.fps ?? 0) * 2 + Number(isHdr);
}

function byNumberThenName(a: string, b: string): number {
  return (Number.parseInt(b, 10) || 0) - (Number.parseInt(a, 10) || 0) || a.localeCompare(b);
}
