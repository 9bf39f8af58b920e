"""Where the bytes come from: an nginx that serves files of any size by HTTP and by TLS 1.3."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import trustme
from msgspec import Struct

from bench.nginx import nginx
from tests.valkey import free_port

Scheme = Literal["http", "https"]
SCHEMES: Final[tuple[Scheme, ...]] = ("http", "https")
NAMES: Final[dict[Scheme, str]] = {"http": "plain upstream", "https": "TLS upstream"}

_SERVER: Final = """\
sendfile on;
    keepalive_requests 100000;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        ssl_protocols TLSv1.3;
        root files;
    }}"""


class Upstream(Struct, frozen=True, kw_only=True):
    """It answers for as long as its block lasts."""

    folder: Path
    ca_file: Path
    ports: dict[Scheme, int]

    def base(self, scheme: Scheme) -> str:
        """Its address."""
        return f"{scheme}://127.0.0.1:{self.ports[scheme]}"

    def url(self, scheme: Scheme, size: int) -> str:
        """A file of so many bytes, which takes no room on the disk."""
        file = self.folder / "files" / str(size)
        if not file.exists():
            with file.open("wb") as hole:
                hole.truncate(size)
        return f"{self.base(scheme)}/{size}"


@contextmanager
def upstream(folder: Path) -> Iterator[Upstream]:
    """One of these."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "certificate.pem").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    (folder / "files").mkdir()
    ports: dict[Scheme, int] = {scheme: free_port() for scheme in SCHEMES}
    with nginx("upstream", _SERVER.format(http=ports["http"], https=ports["https"]), port=ports["http"], folder=folder):
        yield Upstream(folder=folder, ca_file=ca_file, ports=ports)
