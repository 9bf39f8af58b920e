"""What an analysis found: the part that is public, and where the bytes are."""

from msgspec import Struct

from shared.schemas import Media
from shared.sources import Asset, Source


class Extracted(Struct, frozen=True, kw_only=True):
    """An analysis' result: what is public (URLs unrendered), and per format and asset where its bytes are.

    ``is_proved``: the best files have handed out a byte, so that the result can be relied on for as long as results are.
    """

    media: Media
    sources: dict[str, Source]
    assets: dict[str, Asset]
    is_proved: bool = True
