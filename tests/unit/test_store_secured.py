"""A store behind TLS, certificates and passwords, alone and behind Sentinel; and what is said of each thing that can be wrong."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme
from dramatiq.errors import BrokerConnectionError
from msgspec.structs import replace
from redis.exceptions import RedisError

from functions.analyze.doctor.store import store as examine
from functions.analyze.worker import consuming
from shared.queue import open_queue
from shared.settings import Settings
from shared.store import Store, WakeUp, connect_blocking, open_store
from shared.urls import Video
from tests.secure_store import PASSWORD, SENTINELS, SERVICE, USER, Papers, Secured, executable, url
from tests.streaming import until

pytestmark = pytest.mark.skipif(executable() is None, reason="redis-tools is not installed")

OURS = f'user {USER} on ">{PASSWORD}" ~* &* +@all'


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return Papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def servers(papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Secured, Secured, Secured]]:
    """A master, its replica, and who watches them."""
    folder = tmp_path_factory.mktemp("secured")
    each = (OURS, f'masterauth "{PASSWORD}"', 'save ""')
    master = Secured(folder / "master", papers, *each, password=PASSWORD)
    replica = Secured(folder / "replica", papers, *each, f"replicaof 127.0.0.1 {master.port}", password=PASSWORD)
    sentinel = Secured(
        folder / "sentinel",
        papers,
        f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} 1",
        f'sentinel auth-pass {SERVICE} "{PASSWORD}"',
        f"sentinel down-after-milliseconds {SERVICE} 500",
        password=SENTINELS,
        is_sentinel=True,
    )
    with ExitStack() as stack:
        for server in (master, replica, sentinel):
            stack.enter_context(server.running())
        yield master, replica, sentinel


@pytest.fixture
def address(servers: tuple[Secured, Secured, Secured], papers: Papers) -> str:
    return url("rediss", f"localhost:{servers[0].port}", "0", **papers.options)


@pytest.fixture
def watched(servers: tuple[Secured, Secured, Secured], papers: Papers) -> str:
    """Sentinel names addresses, which no certificate here is for."""
    options = {"sentinel_password": SENTINELS, "ssl_check_hostname": "false", **papers.options}
    return url("rediss+sentinel", f"localhost:{servers[2].port}", f"{SERVICE}/0", **options)


async def submit(store: Store, number: int) -> str:
    submission = await store.submit(Video(f"{number:011d}"), task_id=f"task-{number}", refresh=False, lane="analyze")
    assert submission is not None
    return submission.outcome


async def test_everything_goes_through_tls_with_a_certificate_and_a_password(settings: Settings, address: str) -> None:
    secured = replace(settings, redis_url=address)
    async with open_store(secured) as store, open_queue(secured) as queue, store.events() as events:
        outcomes = await asyncio.gather(*(submit(store, number) for number in range(20)))
        assert set(outcomes) == {"created"}
        assert await anext(events)
        await queue.wake([WakeUp("task-0", "analyze")])
    with connect_blocking(address) as client:
        assert client.llen("dramatiq:analyze") == 1
    assert (await examine(address)).is_ok


def another_authority(folder: Path) -> str:
    trustme.CA().cert_pem.write_to_path(folder / "another.pem")
    return str(folder / "another.pem")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("authority", "certificate is not accepted: self-signed certificate in certificate chain"),
        ("nothing trusted", "certificate is not accepted: self-signed certificate in certificate chain"),
        ("name", "certificate is not accepted: IP address mismatch"),
        ("no certificate", "ssl_certfile"),
        ("password", "refuses the password"),
        ("no tls", "no answer (ConnectionError)"),
    ],
)
async def test_what_is_wrong_is_refused_and_said(
    settings: Settings, address: str, papers: Papers, tmp_path: Path, wrong: str, said: str
) -> None:
    ca = f"ssl_ca_certs={papers.options['ssl_ca_certs']}".replace("/", "%2F")
    assert ca in address
    broken = {
        "authority": address.replace(ca, f"ssl_ca_certs={another_authority(tmp_path)}"),
        "nothing trusted": address.replace(ca, "protocol=3"),
        "name": address.replace("localhost", "127.0.0.1"),
        "no certificate": f"{address.partition('?')[0]}?{ca}",
        "password": address.replace("p%40ss", "another"),
        "no tls": address.partition("?")[0].replace("rediss", "redis"),
    }[wrong]
    async with open_store(replace(settings, redis_url=broken)) as store:
        with pytest.raises(RedisError):  # what becomes store_unavailable
            await store.ping()
    with connect_blocking(broken) as client, pytest.raises(RedisError):
        client.ping()
    finding = await examine(broken)
    assert finding.state == "failed"
    assert said in f"{finding.text} {finding.remedy}"
    assert "of the server" not in str(finding)


async def test_sentinel_has_a_password_of_its_own(watched: str) -> None:
    assert (await examine(watched)).is_ok
    wrong = await examine(watched.replace("password+of+the+Sentinel", "another"))
    assert (wrong.text, wrong.remedy) == (
        "Sentinel refuses the password",
        "correct `sentinel_username` and `sentinel_password` in REDIS_URL",
    )
    unknown = await examine(watched.replace(f"/{SERVICE}/", "/another/"))
    assert unknown.text == "no Sentinel knows this master"
    untrusted = await examine(watched.replace("ssl_check_hostname=false&", "").replace("localhost", "127.0.0.1"))
    assert untrusted.text == "no Sentinel answers"
    assert "certificate" in str(untrusted.remedy)


class Woken:
    """Stands where the analyst does: notes what it is woken for."""

    def __init__(self) -> None:
        self.tasks: set[str] = set()

    async def run(self, task_id: str) -> None:
        self.tasks.add(task_id)


async def test_a_takeover_in_the_middle_of_everything(
    settings: Settings, servers: tuple[Secured, Secured, Secured], watched: str
) -> None:
    """The last one here: the master is gone then. Functions, queue and worker find its successor without being started anew."""
    master, replica, sentinel = servers
    secured, woken = replace(settings, redis_url=watched), Woken()
    analyst: Any = woken
    async with open_store(secured) as store, open_queue(secured) as queue, consuming(secured, analyst, threads=1):
        await submit(store, 200)
        await queue.wake([WakeUp("task-200", "analyze")])
        await until(lambda: "task-200" in woken.tasks)
        await until(lambda: "ok" in states(sentinel) and bool(replica.ask("EXISTS", "task:task-200")), within=30)
        os.kill(master.process.pid, 9)
        async with asyncio.timeout(60):
            while not replica.ask("EXISTS", "task:task-201"):
                with suppress(RedisError):
                    await submit(store, 201)
            while "task-201" not in woken.tasks:
                with suppress(BrokerConnectionError, RedisError):
                    await queue.wake([WakeUp("task-201", "analyze")])
                await asyncio.sleep(0.05)  # the pace of a poll
    assert (await examine(watched)).is_ok


def states(sentinel: Secured) -> list[str]:
    """Of the links of the replicas that it knows."""
    found: list[Any] = sentinel.ask("SENTINEL", "REPLICAS", SERVICE)
    return [one["master-link-status"] for one in found]
