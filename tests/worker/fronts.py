"""Ports in front of the stand-in: one that is itself reached by TLS, and those where its hosts answer to whoever needs no proxy."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

HTTPS = 443


@contextmanager
def tls_in_front_of(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """A port where the same answers by TLS: an https:// proxy."""

    class Front(BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as client,
                socket.create_connection(("127.0.0.1", port)) as server,
            ):
                forward(client, server)

    with ThreadingTCPServer(("127.0.0.1", 0), Front) as front:
        thread = Thread(target=front.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield front.server_address[1]
        finally:
            front.shutdown()
            thread.join()


@contextmanager
def hosts_in_front_of(port: int, hosts: Sequence[str], callers: list[str]) -> Iterator[dict[str, str]]:
    """An address of the loopback for each host, whose port 443 leads to that host of the stand-in.

    :param callers: gets the address of whoever connects
    """
    with ExitStack() as open_fronts:
        yield {
            host: open_fronts.enter_context(host_in_front_of(port, host, f"127.0.1.{number}", callers))
            for number, host in enumerate(hosts, 1)
        }


@contextmanager
def host_in_front_of(port: int, host: str, address: str, callers: list[str]) -> Iterator[str]:
    class Front(BaseRequestHandler):
        def handle(self) -> None:
            callers.append(self.client_address[0])
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
                server.sendall(f"CONNECT {host}:{HTTPS} HTTP/1.1\r\n\r\n".encode())
                if server.recv(1 << 10).startswith(b"HTTP/1.1 200"):
                    forward(self.request, server)

    with listening(address, HTTPS, Front):
        yield address


@contextmanager
def listening(address: str, port: int, handler: type[BaseRequestHandler]) -> Iterator[int]:
    with ThreadingTCPServer((address, port), handler) as front:
        thread = Thread(target=front.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield front.server_address[1]
        finally:
            front.shutdown()
            thread.join()


def forward(client: socket.socket, server: socket.socket) -> None:
    back = Thread(target=pump, args=(server, client))
    back.start()
    pump(client, server)
    back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
