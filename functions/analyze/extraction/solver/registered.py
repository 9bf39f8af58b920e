"""Whether yt-dlp knows the warm solver.

Should yt-dlp or its solver lose a name that the provider uses, no child must fail to start: yt-dlp's own provider takes over, and
the log says why.
"""

from typing import Final


def _register() -> str | None:
    try:
        from functions.analyze.extraction.solver import provider

        provider.register()
    except Exception as error:  # noqa: BLE001 - whatever does not fit
        return f"The warm solver does not fit this yt-dlp ({type(error).__name__}): its own provider does the work, slower"
    return None


WHY_NOT: Final = _register()
