"""What one process knows of merged files, by version: their layouts, as many as fit, and which have none."""

from collections import OrderedDict
from typing import Final

from functions.stream.merge.errors import Reason, Unsupported
from functions.stream.merge.layout import Layout

MEMORY: Final = 32 * 1024 * 1024
"""Bytes of all layouts that are kept, roughly; one of ten hours has two million."""

REFUSALS: Final = 1000

LASTING: Final = frozenset[Reason]({"codecs", "nested_index", "encrypted", "several_tracks", "outside_data", "timescales"})
"""What a file is. Anything else may be damage on the way, of one server's or for a moment, and is looked at again."""


class Known:
    """Forgets what was asked for longest ago."""

    def __init__(self) -> None:
        self._layouts: OrderedDict[str, Layout] = OrderedDict()
        self._refused: OrderedDict[str, Reason] = OrderedDict()

    def layout(self, version: str) -> Layout | None:
        """None where nothing is known.

        :raises Unsupported: where it is known that there is none
        """
        if version in self._refused:
            raise Unsupported(self._refused[version])
        if version in self._layouts:
            self._layouts.move_to_end(version)
        return self._layouts.get(version)

    def keep(self, version: str, layout: Layout) -> None:
        """The file has this layout."""
        self._layouts[version] = layout
        while len(self._layouts) > 1 and sum(known.weight for known in self._layouts.values()) > MEMORY:
            self._layouts.popitem(last=False)

    def refuse(self, version: str, reason: Reason) -> None:
        """The file has none, as far as could be seen; remembered if that stays so."""
        if reason in LASTING:
            self._refused[version] = reason
        while len(self._refused) > REFUSALS:
            self._refused.popitem(last=False)
