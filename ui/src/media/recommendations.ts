/** What is offered first. Pure. */
import type { Recommended } from "../api/schemas.ts";
import type { Offer } from "./offers.ts";
import { nearest, type Wishes } from "./wishes.ts";

export interface Recommendation {
  kind: Recommended["kind"] | "wished" | "both" | "silent";
  offer: Offer;
}

/**
 * The system's picks; "best" gives way to what comes nearest to the wishes, and two picks of one file are one. Where the best
 * picture has no sound it is offered as such: nobody shall take 360p for the best there is.
 */
export function recommend(
  offers: readonly Offer[],
  picks: readonly Recommended[],
  wishes: Wishes,
): Recommendation[] {
  const byId = new Map(offers.map((offer) => [offer.format_id, offer]));
  const sounding = offers.filter((offer) => offer.group === "combined");
  const picked = (kind: Recommended["kind"]) =>
    byId.get(picks.find((pick) => pick.kind === kind)?.format_id ?? "");
  const [wished, best, compatible, audio] = [
    nearest(sounding, wishes),
    picked("best"),
    picked("compatible"),
    picked("audio"),
  ];
  const first = wished ?? best;
  const found: (Recommendation | null)[] = [
    first ? { kind: nameOf(first, best, compatible), offer: first } : null,
    compatible && compatible !== first ? { kind: "compatible", offer: compatible } : null,
    silent(offers, sounding),
    audio ? { kind: "audio", offer: audio } : null,
  ];
  return found.filter((pick) => pick !== null);
}

function nameOf(
  first: Offer,
  best: Offer | undefined,
  compatible: Offer | undefined,
): Recommendation["kind"] {
  if (first !== best) return "wished";
  return first === compatible ? "both" : "best";
}

function silent(offers: readonly Offer[], sounding: readonly Offer[]): Recommendation | null {
  const limit = Math.max(0, ...sounding.map((offer) => offer.lines));
  const better = offers.filter((offer) => offer.group === "video_only" && offer.lines > limit);
  const offer = better.reduce<Offer | null>(
    (best, other) => best && best.lines >= other.lines ? best : other,
    null,
  );
  return offer && { kind: "silent", offer };
}
