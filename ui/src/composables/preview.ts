import type { InjectionKey } from "vue";
import type { Offer } from "../media/offers.ts";

/** Plays an offer in the page. */
export const PREVIEW: InjectionKey<(offer: Offer) => void> = Symbol("preview");
