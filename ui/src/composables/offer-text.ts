import { useI18n } from "vue-i18n";
import { useUnits } from "../language/units.ts";
import type { Offer } from "../media/offers.ts";

export interface OfferText {
  /** What people choose by: resolution, or the bitrate of sound. */
  quality(offer: Offer): string;
  codecs(offer: Offer): string;
  size(offer: Offer): string;
  /** Language and whether it is the original; nothing where there is one track only. */
  track(offer: Offer): string | null;
  /** All in one line, for who cannot see the rest. */
  full(offer: Offer): string;
}

export function useOfferText(): OfferText {
  const { t } = useI18n();
  const units = useUnits();

  function quality({ resolution, bitrate, format_id }: Offer): string {
    return resolution ?? (bitrate === null ? format_id : units.value.bits(bitrate));
  }

  function codecs({ video, audio }: Offer): string {
    return [video, audio].flatMap((codec) => codec ? [t(`formats.families.${codec.family}`)] : []).join(
      " + ",
    );
  }

  function size({ size: bytes, isSizeExact }: Offer): string {
    if (bytes === null) return t("formats.unknown");
    const shown = units.value.bytes(bytes);
    return isSizeExact ? shown : t("formats.about", { size: shown });
  }

  function track({ language, track: name, isOriginal }: Offer): string | null {
    if (language === null) return name;
    const tongue = units.value.tongue(language);
    return isOriginal ? `${tongue} · ${t("formats.original")}` : tongue;
  }

  function full(offer: Offer): string {
    const hdr = isHdr(offer) ? offer.dynamicRange : null;
    return [quality(offer), hdr, codecs(offer), offer.container.toUpperCase(), track(offer)].filter(Boolean)
      .join(" ");
  }

  return { quality, codecs, size, track, full };
}

export function isHdr({ dynamicRange }: Offer): boolean {
  return dynamicRange !== null && dynamicRange !== "SDR";
}
