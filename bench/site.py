"""What every measurement of relays needs: an upstream, a store, and stream functions that know each other's files."""

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from bench import known
from bench.processes import Process, serving
from bench.upstream import Scheme, Upstream, upstream
from shared.settings import Settings
from tests.valkey import Valkey


class Site(Struct, frozen=True, kw_only=True):
    """It stands for as long as its block lasts."""

    folder: Path
    store: Valkey
    upstream: Upstream

    def function(self, **settings: str) -> AbstractContextManager[Process]:
        """A stream function; defaults wherever nothing is said."""
        certificate = str(self.upstream.ca_file)
        return serving("bench.function", self.store.url, folder=self.folder, SSL_CERT_FILE=certificate, **settings)

    def files(self, scheme: Scheme, size: int, *, count: int = 1) -> list[str]:
        """Paths, at every function, of so many downloads; only the latest are known."""
        settings = Settings(redis_url=self.store.url, secret_key="b" * 32)
        source = known.file(self.upstream.url(scheme, size), size, settings)
        sources = {str(number): replace(source, format_id=str(number)) for number in range(count)}
        known.know(settings, known.VIDEO, sources)
        return [f"/v1/stream/{known.VIDEO}/{format_id}" for format_id in sources]


@contextmanager
def site() -> Iterator[Site]:
    """One of these."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        store = Valkey(folder)
        store.start()
        try:
            with upstream(folder) as source:
                yield Site(folder=folder, store=store, upstream=source)
        finally:
            store.stop()
