"""How much memory this process holds."""

import resource
from pathlib import Path
from typing import Final

_STATM: Final = Path("/proc/self/statm")


def resident() -> int:
    """Bytes in memory now; where only the peak is told (macOS), that.

    Linux hands ``ru_maxrss`` down through fork and exec: a small child of a large process would look as large as its parent.
    """
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
