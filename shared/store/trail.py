"""What one attempt leaves to the next, whichever worker makes it. Pure; the fields are those of ``trail:{task_id}``.

Its best result has the fields that a final transition needs, so that the store can complete a task which was killed too often.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from shared.extracted import Extracted
from shared.store import records
from shared.tags import tags_of


class Trail(Struct, frozen=True, kw_only=True):
    """``strategy`` is the last attempt's, by name; ``best`` the best that could have been offered.

    ``refused_exits`` are digests of the addresses to which files are bound that were refused.
    """

    strategy: str | None = None
    refused_exits: frozenset[str] = frozenset()
    best: Extracted | None = None


def fields(trail: Trail, *, fresh_seconds: int) -> Iterable[str]:
    """``name, value, …``; the best result would be fresh for so long."""
    yield from ("strategy", trail.strategy or "", "refused_exits", " ".join(sorted(trail.refused_exits)))
    if trail.best is not None:
        media, sources = trail.best.media, trail.best.sources
        yield from ("media", records.encode(media), "is_degraded", str(int(media.is_degraded)))
        yield from ("fresh_seconds", str(fresh_seconds), "ends", str(records.end(sources)))
        yield from ("tags", records.encode(tags_of(media)))
        yield from records.source_fields(sources, trail.best.assets)


def read(found: Mapping[str, str]) -> Trail:
    """The other way round; nothing was left where there are no fields."""
    return Trail(
        strategy=found.get("strategy") or None,
        refused_exits=frozenset(found.get("refused_exits", "").split()),
        best=_best(found) if "media" in found else None,
    )


def _best(found: Mapping[str, str]) -> Extracted:
    sources = {name.removeprefix("format:"): text for name, text in found.items() if name.startswith("format:")}
    assets = {name.removeprefix("asset:"): text for name, text in found.items() if name.startswith("asset:")}
    return Extracted(
        media=records.MEDIA.decode(found["media"]),
        sources={name: records.SOURCE.decode(text) for name, text in sources.items()},
        assets={name: records.ASSET.decode(text) for name, text in assets.items()},
    )
