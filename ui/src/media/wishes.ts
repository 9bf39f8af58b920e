/** What somebody prefers; `any` leaves it to the recommendation. Pure. */
import type { Offer } from "./offers.ts";

export const ANY = "any";

export interface Wishes {
  codec: string;
  lines: number | typeof ANY; // at most that many
  container: string;
}

/**
 * What comes nearest among these, if there is a wish at all. Resolution counts more than codec, codec more than container: who
 * asks for 1080p does not want 360p in the right codec. Of equals the first.
 */
export function nearest(offers: readonly Offer[], { codec, lines, container }: Wishes): Offer | null {
  if (codec === ANY && lines === ANY && container === ANY) return null;
  const allowed = lines === ANY ? offers : offers.filter((offer) => offer.lines <= lines);
  const score = (offer: Offer) =>
    4 * offer.lines + 2 * Number(offer.video?.family === codec) + Number(offer.container === container);
  return allowed.reduce<Offer | null>(
    (best, offer) => best && score(best) >= score(offer) ? best : offer,
    null,
  );
}
