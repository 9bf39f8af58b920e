"""Between what Redis holds and the Structs of the rest of the system. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec
from msgspec.structs import replace

from shared.merges import versioned
from shared.schemas import Media, Phase, Problem, Progress, State, Task
from shared.sources import Asset, Source
from shared.tags import UNTAGGED, Tags, is_sound

MEDIA: Final = msgspec.json.Decoder(Media)
PROBLEM: Final = msgspec.json.Decoder(Problem)
SOURCE: Final = msgspec.json.Decoder(Source)
ASSET: Final = msgspec.json.Decoder(Asset)
_TAGS: Final = msgspec.json.Decoder(Tags)
_ENCODER: Final = msgspec.json.Encoder()


def encode(value: msgspec.Struct) -> str:
    """A Struct as JSON text."""
    return _ENCODER.encode(value).decode()


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """``[name, value, name, value, …]`` as a mapping."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def source_fields(sources: Mapping[str, Source], assets: Mapping[str, Asset]) -> Iterable[str]:
    """The fields of ``sources:{media_id}``, flat."""
    for format_id, source in sources.items():
        yield from (f"format:{format_id}", encode(source))
    for asset_id, asset in assets.items():
        yield from (f"asset:{asset_id}", encode(asset))


def end(sources: Mapping[str, Source]) -> int:
    """When the last of them ends, in seconds since 1970."""
    return int(max((source.expires_at for source in sources.values()), default=0))


def task(task_id: str, flat: Sequence[str], rank: int | None, result: Sequence[Any] | None) -> Task:
    """The task of a snapshot: its fields, its place in its queue, and what :func:`media` takes."""
    fields = pairs(flat)
    state = cast("State", fields["state"])
    # What went wrong before is kept for the next attempt's strategy; once that runs, it is no news.
    is_told = state == "failed" or fields["next_attempt_at"]
    return Task(
        task_id=task_id,
        media_id=fields["media_id"],
        url=fields["url"],
        state=state,
        progress=Progress(percent=int(fields["percent"]), phase=cast("Phase", fields["phase"]), message=fields["message"]),
        attempt=int(fields["attempt"]),
        max_attempts=int(fields["max_attempts"]),
        next_attempt_at=moment(fields["next_attempt_at"]) if fields["next_attempt_at"] else None,
        queue_position=None if rank is None else rank + 1,
        created_at=moment(fields["created_at"]),
        updated_at=moment(fields["updated_at"]),
        result=media(*result) if result else None,
        problem=PROBLEM.decode(fields["problem"]) if fields["problem"] and is_told else None,
    )


def media(json: str | None, analyzed_at: str, fresh_until: str, tagged: str | None) -> Media | None:
    """The result, if there is one, with the store's times, and with the versions that follow from the newest tags."""
    if json is None:
        return None
    found = replace(MEDIA.decode(json), analyzed_at=moment(analyzed_at), fresh_until=moment(fresh_until))
    return versioned(found, UNTAGGED if tagged is None else _tags(tagged))


def tags(found: Sequence[str]) -> tuple[Tags, ...]:
    """What a video's merged files say of themselves, the newest first; nothing at the end, and where this program cannot say it."""
    return (*map(_tags, found), UNTAGGED)


def _tags(json: str) -> Tags:
    try:
        found = _TAGS.decode(json)
    except msgspec.DecodeError:
        return UNTAGGED
    return found if is_sound(found) else UNTAGGED


def moment(milliseconds: str) -> datetime:
    """A time of the store, as UTC."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
