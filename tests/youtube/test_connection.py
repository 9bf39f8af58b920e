import gc
import select
import socket
import ssl
import struct
from threading import Event

import pytest

from .connection import Accepted, Connection


@pytest.fixture
def context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = Accepted
    return context


def test_a_client_that_resets_before_the_handshake_leaves_no_socket_behind(context: ssl.SSLContext) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
    connection = Connection(accepted, 1, Event())
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    select.select([accepted], [], [])  # the reset has arrived
    with pytest.raises(OSError, match="reset"):
        connection.start_tls(context)
    connection.close()
    gc.collect()  # a socket left open warns here, and a warning is a failure
