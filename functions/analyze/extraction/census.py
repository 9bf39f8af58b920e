"""What the player responses promised against what is listed, and why the difference. Pure.

Counted are kinds, not files: a resolution with its dynamic range, a sound track's language. That a second client promises what the
first one delivered is no loss; that nobody delivered 2160p is.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from functions.analyze.extraction.evidence import Evidence
from functions.analyze.extraction.formats import Refused
from functions.analyze.extraction.labels import is_hdr, is_offered_in_hdr, lines, offered_codecs, resolution, video_codec
from functions.analyze.extraction.wire import Info, Listed, Offer
from shared.schemas import Format, Missing

CURABLE: Final = (
    "source_rate_limited",
    "token_provider_unavailable",
    "proxy_exit_unstable",
    "token_rejected",
    "challenge_failed",
    "sabr_only",
    "formats_incomplete",
)
"""Another attempt may find it, the likeliest cure first."""

_UNEXPLAINED: Final = "formats_incomplete"
_PERMANENT: Final = ("segmented_only", "drm_protected")
_PREFERENCE: Final = (*CURABLE[:-1], *_PERMANENT, CURABLE[-1])
_SENTENCES: Final = {
    "source_rate_limited": "YouTube limited the rate of this exit.",
    "token_provider_unavailable": "A PO token is needed, and none was to be had.",
    "token_rejected": "YouTube refused to hand out the file.",
    "proxy_exit_unstable": "YouTube refused to hand out the file: the proxy's exit address is no longer the one that asked for it.",
    "challenge_failed": "YouTube's JavaScript challenge could not be solved.",
    "sabr_only": "YouTube offers it over SABR only.",
    "segmented_only": "YouTube offers it in segments only.",
    "drm_protected": "It is protected by DRM.",
    "formats_incomplete": "YouTube speaks of it but did not hand it out.",
}
_MANIFESTS: Final = ("m3u8", "http_dash_segments")
_LITTLE: Final = 360
"""Lines of the best resolution that is handed out in nearly every failure (itag 18)."""


class Kind(Struct, frozen=True):
    """What a person would miss: a resolution (``2160p60``, in HDR or not), or sound in a language."""

    resolution: str | None
    is_hdr: bool
    language: str | None

    @property
    def label(self) -> str:
        """As it is shown."""
        if self.resolution is None:
            return f"audio {self.language}" if self.language else "audio"
        return f"{self.resolution} HDR" if self.is_hdr else self.resolution


class Census(Struct, frozen=True, kw_only=True):
    """``curable`` is the code of the loss another attempt may make good, None if there is none."""

    missing: list[Missing]
    is_degraded: bool
    curable: str | None


def census(
    listed: list[Format],
    offers: list[Offer] | None,
    *,
    info: Info,
    evidence: Evidence,
    refused: list[Refused],
    has_provider: bool,
) -> Census:
    """Compare.

    :param offers: None where the player responses could not be read: then only the log speaks.
    :param refused: what was listed, but the source did not hand out.
    :param has_provider: whether there is a PO token service to ask.
    """
    present = {kind for item in listed for kind in _listed_kinds(item)}
    losses: dict[Kind, dict[str | None, str]] = {}  # per client the reason
    for file in refused:
        for kind in set(_listed_kinds(file.candidate.format)) - present:
            losses.setdefault(kind, {})[file.candidate.client] = file.code
    for kind, promises in _promised(offers or []).items():
        if kind not in present and kind not in losses:
            losses[kind] = _reasons(promises, evidence)
    for kind in _segmented(info.formats) - present - losses.keys():
        losses[kind] = {None: "segmented_only"}
    missing = _grouped(losses, evidence, has_provider=has_provider)
    if not missing and (suspicion := _suspicion(listed, offers, evidence)):
        missing = [
            Missing(code=suspicion, detail=_sentence(suspicion, evidence, has_provider=has_provider), formats=[], client=None)
        ]
    # What one client names a permanent reason for is not to be had, whatever another one leaves open.
    codes = {_likeliest(reasons.values()) for reasons in losses.values()} or {item.code for item in missing}
    curable = next((code for code in CURABLE if code in codes), None)
    best = max((lines(item.resolution) for item in listed), default=0)
    is_better_missing = any(lines(kind.resolution) > best for kind in losses)
    return Census(missing=missing, is_degraded=curable is not None or is_better_missing, curable=curable)


def _listed_kinds(item: Format) -> Iterable[Kind]:
    if item.video_codec:
        yield Kind(item.resolution, is_hdr(item.dynamic_range), None)
    if item.audio_codec and not item.video_codec:
        yield Kind(None, False, item.audio_track.id.partition(".")[0] if item.audio_track else None)  # noqa: FBT003 - positional Struct


def _promised(offers: list[Offer]) -> dict[Kind, list[Offer]]:
    promised: dict[Kind, list[Offer]] = {}
    for offer in offers:
        video, audio = offered_codecs(offer)
        if video or offer.height:
            label = resolution(label=offer.quality_label, width=None, height=offer.height, fps=offer.fps)
            kind = Kind(label, is_offered_in_hdr(offer), None)
        elif audio:
            kind = Kind(None, False, (offer.track_id or "").partition(".")[0] or None)  # noqa: FBT003 - positional Struct
        else:
            continue
        promised.setdefault(kind, []).append(offer)
    return promised


def _segmented(listed: list[Listed]) -> set[Kind]:
    """What yt-dlp lists from HLS and DASH manifests."""
    return {
        Kind(
            resolution(label=item.format_note, width=item.width, height=item.height, fps=item.fps), is_hdr(item.dynamic_range), None
        )
        for item in listed
        if (item.protocol or "").startswith(_MANIFESTS) and item.height and video_codec(item.vcodec)
    }


def _reasons(promises: list[Offer], evidence: Evidence) -> dict[str | None, str]:
    """Why none of those who promised it delivered it, and who was turned away and might have."""
    reasons: dict[str | None, str] = {}
    for offer in promises:
        reason = _reason(offer, evidence)
        reasons[offer.client] = _likeliest([reason, reasons.get(offer.client, reason)])
    if evidence.is_rate_limited and _likeliest(reasons.values()) in CURABLE:
        reasons |= dict.fromkeys(evidence.rate_limited or [None], "source_rate_limited")
    # A client without a reason has nothing to add to another one's.
    return {client: code for client, code in reasons.items() if code != _UNEXPLAINED} or reasons


def _likeliest(codes: Iterable[str]) -> str:
    """To be cured by another attempt."""
    return min(codes, key=_PREFERENCE.index)


def _reason(offer: Offer, evidence: Evidence) -> str:
    if offer.is_drm:
        return "drm_protected"
    if offer.is_segmented:
        return "segmented_only"
    if not offer.has_url:
        return "sabr_only"
    if offer.client in evidence.token_required:
        return "token_provider_unavailable"
    if evidence.is_challenge_failing:
        return "challenge_failed"
    return _UNEXPLAINED


def _suspicion(listed: list[Format], offers: list[Offer] | None, evidence: Evidence) -> str | None:
    """Little is listed, nobody spoke of more, and the log says why that may be so."""
    best = max((lines(item.resolution) for item in listed), default=0)
    if best > _LITTLE or any(item.video_codec and not item.audio_codec for item in listed):
        return None
    suspects = (
        (evidence.is_rate_limited, "source_rate_limited"),
        (evidence.is_provider_failing or bool(evidence.token_required), "token_provider_unavailable"),
        (evidence.is_challenge_failing, "challenge_failed"),
        (bool(evidence.sabr), "sabr_only"),
        (not offers, "formats_incomplete"),
    )
    return next((code for is_suspect, code in suspects if is_suspect), None)


def _grouped(losses: dict[Kind, dict[str | None, str]], evidence: Evidence, *, has_provider: bool) -> list[Missing]:
    """One entry for each client and reason, with all that it concerns."""
    groups: dict[tuple[str, str | None], list[Kind]] = {}
    for kind, reasons in losses.items():
        for client, code in reasons.items():
            groups.setdefault((code, client), []).append(kind)
    ordered = sorted(groups.items(), key=lambda group: (_PREFERENCE.index(group[0][0]), group[0][1] or ""))
    return [
        Missing(
            code=code,
            detail=_sentence(code, evidence, has_provider=has_provider),
            formats=[kind.label for kind in sorted(kinds, key=lambda kind: (-lines(kind.resolution), kind.label))],
            client=client,
        )
        for (code, client), kinds in ordered
    ]


def _sentence(code: str, evidence: Evidence, *, has_provider: bool) -> str:
    if code == "token_provider_unavailable" and not has_provider:
        return "A PO token is needed, and no PO token service is set."
    if code == "token_provider_unavailable" and evidence.provider_reason:
        return f"A PO token is needed, and the PO token service says: {evidence.provider_reason}"
    return _SENTENCES[code]
