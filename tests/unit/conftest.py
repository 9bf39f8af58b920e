"""What the tests of the wire share: both event loops, and an authority that issues their certificates."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import trustme

from tests.peer import Trust

_LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
_BOTH = dict(_LOOPS)
if sys.platform != "win32":
    import uvloop

    _BOTH["uvloop"] = uvloop.new_event_loop


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The two differ in how they call a protocol, so what is one is tried on both."""
    return _BOTH if item.path.name.startswith("test_wire_") else _LOOPS


@pytest.fixture
async def unseen_failures() -> AsyncIterator[None]:
    """No callback failed, and no failure was left where nobody looks."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    yield
    await asyncio.sleep(0)
    assert complaints == []


@pytest.fixture(scope="session")
def trust() -> Trust:
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1", "media.test").configure_cert(server)
    authority.configure_trust(client)
    return Trust(server, client)
