"""The file that a request is about: one source as it is, or two in a layout. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from functions.stream.merge.layout import Layout
from shared.merges import merged_filename
from shared.sources import Source


class File(Struct, frozen=True, kw_only=True):
    """``layout`` says how two sources, video and sound, become one file; a single source is the file itself."""

    sources: tuple[Source, ...]
    layout: Layout | None
    version: str
    size: int
    content_type: str
    filename: str
    last_modified: int | None


def single(source: Source) -> File:
    """One format."""
    return File(
        sources=(source,),
        layout=None,
        version=source.version,
        size=source.identity.size,
        content_type=source.content_type,
        filename=source.filename,
        last_modified=source.last_modified,
    )


def merged(parts: Sequence[Source], layout: Layout, *, version: str) -> File:
    """Two formats, video and sound, as one."""
    video, audio = parts
    return File(
        sources=(video, audio),
        layout=layout,
        version=version,
        size=layout.size,
        content_type=video.content_type,
        filename=merged_filename(video, audio),
        last_modified=None,  # the bytes follow from more than the files that have a date
    )
