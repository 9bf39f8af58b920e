"""A TLS door before a plain port, for what is to be reached over TLS and has no TLS of its own."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import trustme

HOST = "localhost"
"""The name its certificate is for, besides the loopback address."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where it is, and who vouches for it."""

    port: int
    ca_file: Path


@contextmanager
def tls_door(port: int, folder: Path) -> Iterator[Door]:
    """A port on the loopback that unwraps TLS and passes everything on to ``port``; it has an event loop of its own."""
    authority = trustme.CA()
    ca_file = folder / "door.pem"
    authority.cert_pem.write_to_path(ca_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "127.0.0.1").configure_cert(context)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="tls door", daemon=True)
    thread.start()

    async def open_door() -> asyncio.Server:
        return await asyncio.start_server(lambda reader, writer: _pass(reader, writer, port), "127.0.0.1", 0, ssl=context)

    async def close_door(server: asyncio.Server) -> None:
        server.close()
        passing = asyncio.all_tasks() - {asyncio.current_task()}
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(open_door(), loop).result(timeout=10)
    try:
        yield Door(server.sockets[0].getsockname()[1], ca_file)
    finally:
        asyncio.run_coroutine_threadsafe(close_door(server), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            both = [asyncio.create_task(_copy(reader, inner_writer)), asyncio.create_task(_copy(inner_reader, writer))]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
        finally:
            inner_writer.transport.abort()
        writer.close()  # what has been written is still sent
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), timeout=5)
    finally:
        writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65_536):
        writer.write(chunk)
        await writer.drain()
