"""One ASGI application out of four. It only looks at the path: what a function sends goes to the server untouched."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from functions.local.edge.page import create_page
from functions.local.edge.routing import Function, function_of
from shared.settings import Settings
from shared.web.root_path import below


def create_app(settings: Settings, *, page_folder: Path) -> "Edge":
    """The functions and the built page behind one port."""
    import functions.analyze.app
    import functions.status.app
    import functions.stream.app

    return Edge(
        {
            "analyze": functions.analyze.app.create_app(settings),
            "status": functions.status.app.create_app(settings),
            "stream": functions.stream.app.create_app(settings),
        },
        page_folder=page_folder,
        root_path=settings.root_path,
    )


class Edge:
    """Dispatches by path. The page's lifespan holds those of the functions, so that the server sees one application."""

    def __init__(self, hosted: Mapping[Function, Litestar], *, page_folder: Path, root_path: str) -> None:
        self.hosted = hosted
        self._root_path = root_path
        self._page = create_page(
            page_folder,
            root_path=root_path,
            lifespan=[app.lifespan() for app in hosted.values()],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on: to a function as it came, since each knows ROOT_PATH itself; to the page without ROOT_PATH."""
        if scope["type"] != ScopeType.HTTP:
            await self._page(scope, receive, send)
            return
        path = below(scope["path"], self._root_path)
        function = function_of(path)
        if function is not None:
            await self.hosted[function](scope, receive, send)
        else:
            await self._page(cast("Scope", {**scope, "path": path}), receive, send)
