"""The stand-in as tests hold it: one port on the loopback, one thread for each connection."""

import dataclasses
import select
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Self

import trustme

from .catalogue import Video
from .connection import Accepted, Connection
from .faults import Fault, FaultBook, FaultHandle
from .log import RequestLog
from .media import MediaFile
from .proxy import Credentials
from .site import CERTIFIED, Handler, Site
from .urls import address
from .visit import Services, visit

_LOOPBACK = "127.0.0.1"


class YouTube:
    """A proxy behind which only YouTube exists. Made by `YouTube.running()`."""

    def __init__(
        self, *, port: int, credentials: Credentials | None, folder: Path, extras: dict[str, Handler] | None = None
    ) -> None:
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca_file)
        self._services = Services(
            site=Site(extras=extras or {}),
            faults=FaultBook(),
            log=RequestLog(),
            tls=_context(authority),
            bad_tls=_context(trustme.CA()),
            credentials=credentials,
        )
        self._initial_credentials = credentials
        self._connections: dict[Connection, Thread] = {}
        self._lock = Lock()
        self._numbers = iter(range(1, 1 << 62))
        self._closing = Event()
        self._listening: Thread | None = None
        self._port = port
        self.start_listening()

    @classmethod
    @contextmanager
    def running(
        cls, *, port: int = 0, username: str | None = None, password: str | None = None, extras: dict[str, Handler] | None = None
    ) -> Iterator[Self]:
        """The stand-in on a port of the loopback (0: any), with credentials if a user name is given.

        `extras` lets a test play further hosts: name to a function from Request to Answer.
        """
        credentials = Credentials(username, password or "") if username else None
        with tempfile.TemporaryDirectory(prefix="stand-in-") as folder:
            youtube = cls(port=port, credentials=credentials, folder=Path(folder), extras=extras)
            try:
                yield youtube
            finally:
                youtube.stop_listening()

    @property
    def port(self) -> int:
        return self._port

    @property
    def http_proxy(self) -> str:
        """The proxy URL with the credentials that are right at the moment."""
        return f"http://{self._authority}"

    @property
    def socks_proxy(self) -> str:
        """The same port as SOCKS5; use "socks5h" where the scheme decides who resolves names."""
        return f"socks5://{self._authority}"

    @property
    def requests(self) -> RequestLog:
        """Everything that came, in order."""
        return self._services.log

    @property
    def exit_address(self) -> str:
        """The address under which YouTube sees its visitors: `ip=` of every media URL. May be set."""
        return self._services.site.exit_address

    @exit_address.setter
    def exit_address(self, address: str) -> None:
        self._services.site.exit_address = address

    def reject_tokens(self, *tokens: str) -> None:
        """From now on these PO tokens are as good as none."""
        self._services.site.rejected_tokens |= frozenset(tokens)

    def video(self, video_id: str) -> Video:
        """A video as it is now."""
        found = self._services.site.video(video_id)
        if found is None:
            raise KeyError(video_id)
        return found

    def edit(self, video_id: str, /, **changes: Any) -> Video:
        """Change a video, e.g. `edit(ORDINARY, revision=1)` for another upload or `edit(ORDINARY, expires_in=2)`."""
        video = dataclasses.replace(self.video(video_id), **changes)
        self._services.site.put(video)
        return video

    def media(self, video_id: str, format_id: str | int) -> MediaFile:
        """The file behind a format, e.g. "137", "140.de-DE", "140.en.drc", "399.sr"."""
        found = self._services.site.file(video_id, str(format_id))
        if found is None:
            raise KeyError((video_id, format_id))
        return found

    def url(self, video_id: str, format_id: str | int) -> str:
        """A fresh media URL, as an extraction would find it, without one."""
        made = address(self.media(video_id, format_id), self.video(video_id), "VISIONOS", self.exit_address)
        return made.url or ""

    def fault(self, fault: Fault) -> FaultHandle:
        """Let something go wrong from now on."""
        return self._services.faults.add(fault)

    def require_credentials(self, username: str, password: str) -> None:
        """Every new connection needs these; those already open go on."""
        self._services.credentials = Credentials(username, password)

    def clear(self) -> None:
        """As new: no log, no faults, every video, address and credential as in the beginning, and listening."""
        self._services.faults.clear()
        self._services.log.clear()
        self._services.site.reset()
        self._services.credentials = self._initial_credentials
        if self._listening is None:
            self.start_listening()

    def start_listening(self) -> None:
        """Accept connections, after a stop on the same port again."""
        listener = socket.create_server((_LOOPBACK, self._port), backlog=256)
        self._port = listener.getsockname()[1]
        self._closing = Event()
        self._listening = Thread(target=self._accept, args=(listener, self._closing), name="stand-in", daemon=True)
        self._listening.start()

    def stop_listening(self) -> None:
        """Refuse new connections and break those under way, as a proxy that has died. Idempotent."""
        self._abort_all()  # before anybody notices that it is closing: nobody is served by one while another is gone already
        self._closing.set()
        if self._listening:
            self._listening.join()
            self._listening = None
        while threads := self._abort_all():  # more than once: a socket on its way into TLS is out of reach for a moment
            for thread in threads:
                thread.join(0.05)

    def _abort_all(self) -> list[Thread]:
        """The threads that end by that."""
        with self._lock:
            connections = dict(self._connections)
        for connection in connections:
            connection.abort()
        return list(connections.values())

    @property
    def _authority(self) -> str:
        credentials = self._services.credentials
        user = f"{credentials.username}:{credentials.password}@" if credentials else ""
        return f"{user}{_LOOPBACK}:{self._port}"

    def _accept(self, listener: socket.socket, closing: Event) -> None:
        with listener:
            while not closing.is_set():
                readable, _, _ = select.select([listener], [], [], 0.02)
                if readable:
                    self._welcome(listener.accept()[0], closing)

    def _welcome(self, sock: socket.socket, closing: Event) -> None:
        connection = Connection(sock, next(self._numbers), closing)
        thread = Thread(target=self._visit, args=(connection,), name=f"stand-in {connection.number}", daemon=True)
        with self._lock:
            self._connections[connection] = thread
        thread.start()

    def _visit(self, connection: Connection) -> None:
        try:
            visit(connection, self._services)
        finally:
            connection.close()
            with self._lock:
                del self._connections[connection]


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = Accepted
    authority.issue_cert(*CERTIFIED).configure_cert(context)
    return context
