"""Which part of the system a path belongs to: the reverse proxy's table, as pure functions."""

from typing import Final, Literal, TypeAlias

Function: TypeAlias = Literal["analyze", "status", "stream"]

FUNCTIONS: Final[dict[str, Function]] = {
    "analyze": "analyze",
    "session": "analyze",
    "status": "status",
    "stream": "stream",
}
UNPUBLISHED: Final = frozenset({"/v1", "/readyz", "/metrics"})


def function_of(path: str) -> Function | None:
    """The function that answers a path below ROOT_PATH; None for everything else."""
    match path.split("/", 3):
        case ["", "v1", name, *_]:
            return FUNCTIONS.get(name)
        case _:
            return None


def is_page(path: str) -> bool:
    """Whether the page may be shown here when nothing else is: not where only programs look."""
    return not path.startswith("/v1/") and path not in UNPUBLISHED
