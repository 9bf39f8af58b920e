"""A name server on the loopback whose answers a test can change: for whatever finds its peers by name."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Final

ANSWER: Final = 0x8400
NO_SUCH_NAME: Final = 0x8403
A_RECORD: Final = 1


class NameServer:
    """Answers for the names in :attr:`addresses` with all their addresses, for a second."""

    def __init__(self) -> None:
        self.addresses: dict[str, Sequence[str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._serve, name="name server")
        thread.start()
        try:
            yield
        finally:
            self._socket.sendto(b"", ("127.0.0.1", self.port))  # wakes it for the last time
            thread.join()
            self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            self._socket.sendto(answer(query, self.addresses), client)


def answer(query: bytes, addresses: dict[str, Sequence[str]]) -> bytes:
    """To a query with one question. Pure."""
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode())
        at += length + 1
    question = query[12 : at + 5]
    name, (wanted,) = ".".join(labels), struct.unpack_from("!H", query, at + 1)
    found = addresses.get(name, ()) if wanted == A_RECORD else ()
    records = b"".join(struct.pack("!HHHIH", 0xC00C, A_RECORD, 1, 1, 4) + IPv4Address(address).packed for address in found)
    flags = ANSWER if name in addresses else NO_SUCH_NAME
    return query[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question + records
