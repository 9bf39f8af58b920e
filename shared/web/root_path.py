"""ROOT_PATH: a reverse proxy strips it or passes it on, and both arrive at the same route."""

from typing import Final, cast

from litestar.types import ASGIApp, Receive, Scope, Send

_API: Final = "/v1/"


def below(path: str, root: str) -> str:
    """The path without the root, if it is there; a root of ``/v1`` is not taken for the API's own ``/v1``. Pure."""
    if not root or not path.startswith(f"{root}/"):
        return path
    rest = path.removeprefix(root)
    return path if path.startswith(_API) and not rest.startswith(_API) else rest


class RootPath:
    """Removes the root before anything looks at the path."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app = app
        self._root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Litestar's own ``root_path`` stays empty: it would cut the path at the root's first occurrence anywhere."""
        path = below(scope["path"], self._root)
        await self._app(cast("Scope", {**scope, "path": path, "root_path": ""}), receive, send)
