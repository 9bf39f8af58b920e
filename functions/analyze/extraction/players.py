"""What a child remembers of YouTube's player scripts, so that only the first analysis pays for one.

A player has megabytes and is the same for days. yt-dlp would load it anew for each analysis and spend more than a second of a
JavaScript runtime on taking it apart; its cache for both is off or on the disk, this one is in memory.
"""

from collections import OrderedDict
from typing import Any, Final

MAX_ENTRIES: Final = 8
"""Few: each may be as large as a player, and there are seldom more than two at a time."""


class Remembered(OrderedDict[Any, Any]):
    """The entries used last."""

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - yt-dlp's
        self.move_to_end(key)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:  # noqa: ANN401 - yt-dlp's
        super().__setitem__(key, value)
        self.move_to_end(key)
        if len(self) > MAX_ENTRIES:
            self.popitem(last=False)


class MemoryCache:
    """In place of yt-dlp's cache on disk; the versions it asks about are always the running one's."""

    enabled: Final = True

    def __init__(self) -> None:
        self._entries: dict[str, Remembered] = {}

    def load(self, section: str, key: str, dtype: str = "json", default: Any = None, *, min_ver: str | None = None) -> Any:  # noqa: ANN401, ARG002
        """What was stored, else ``default``."""
        entries = self._entries.get(section)
        return default if entries is None or key not in entries else entries[key]

    def store(self, section: str, key: str, data: Any, dtype: str = "json") -> None:  # noqa: ANN401, ARG002
        """Remember; None forgets."""
        self._entries.setdefault(section, Remembered())[key] = data

    def remove(self) -> None:
        """Forget everything."""
        self._entries.clear()


SCRIPTS: Final = Remembered()
"""Players by the key yt-dlp gives them."""

TAKEN_APART: Final = MemoryCache()
"""What the solver made of them, and the signature functions found in them."""


def taken_apart(player_url: str) -> str | None:
    """What yt-dlp's own challenge provider made of a player, under the name it gives it."""
    code = TAKEN_APART.load("challenge-solver", f"player:{player_url}")
    return code if isinstance(code, str) else None


def forget() -> None:
    """Begin anew: what is remembered may be the reason of a failure."""
    SCRIPTS.clear()
    TAKEN_APART.remove()
