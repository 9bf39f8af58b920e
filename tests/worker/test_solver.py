"""The warm solver inside the real yt-dlp: that it spares a process, and that nothing is lost when it fails."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from urllib3.util import connection

from functions.analyze.extraction import players
from functions.analyze.extraction.environment import child_environment, find_deno
from functions.analyze.extraction.extract import extract
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.process import Child
from functions.analyze.extraction.wire import Line
from tests import youtube as videos
from tests.worker.extraction_attempts import attempt, extracting, settings_for
from tests.worker.test_extraction_processes import children, gone, ignore, is_running, job, parent_of, patiently
from tests.youtube import Fault, ShortBody, YouTube

OWN, WARM = "yt-dlp's", "warm"


@pytest.fixture(scope="module")
def running() -> Iterator[YouTube]:
    with YouTube.running() as running:
        yield running


@pytest.fixture
def youtube(running: YouTube) -> YouTube:
    running.clear()
    return running


class Deno:
    """The real runtime, of which every start is known: yt-dlp's own provider pipes its program in, ours names a file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "deno"
        self._starts = folder / "starts"
        self._starts.touch()
        self.warm_is(f'exec {find_deno()} "$@"')

    def warm_is(self, command: str) -> None:
        """What runs in place of the warm solver from now on."""
        ours = f'case "$*" in *loop.js) {command};; esac'
        self.path.write_text(f'#!/bin/sh\n[ "$1" = run ] && echo "$$ $*" >>{self._starts}\n{ours}\nexec {find_deno()} "$@"\n')
        self.path.chmod(0o755)

    @property
    def starts(self) -> list[str]:
        return [WARM if line.endswith("loop.js") else OWN for line in self._starts.read_text().splitlines()]

    async def warm(self) -> int:
        """Process id of the solver started last, as soon as there is one."""
        async for tried in patiently():
            with tried:
                return [int(line.split()[0]) for line in self._starts.read_text().splitlines() if line.endswith("loop.js")][-1]
        raise AssertionError


@pytest.fixture
def deno(tmp_path: Path) -> Deno:
    return Deno(tmp_path)


@asynccontextmanager
async def warmed_up(youtube: YouTube, deno: Deno) -> AsyncIterator[Extractor]:
    """After one analysis: the player is known."""
    async with extracting(settings_for(youtube), deno=str(deno.path)) as extractor:
        await complete(extractor, youtube)
        yield extractor


async def complete(extractor: Extractor, youtube: YouTube) -> None:
    """The probe gets a last byte of the media only with the right signature and n."""
    youtube.requests.clear()
    outcome = await attempt(extractor, videos.CHAPTERS)
    assert outcome.verdict == "complete", outcome.problem
    assert [request.status for request in youtube.requests.media] == [206, 206]


async def test_only_the_first_analysis_pays(youtube: YouTube, deno: Deno) -> None:
    async with warmed_up(youtube, deno) as extractor:
        solver = await deno.warm()
        for _ in range(3):
            await complete(extractor, youtube)
        assert deno.starts == [OWN, WARM]
        assert is_running(solver)


def environment_of(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


async def test_does_not_know_the_proxy(youtube: YouTube, deno: Deno) -> None:
    async with warmed_up(youtube, deno):
        known = environment_of(await deno.warm())
    assert {line.split("=")[0] for line in known.split("\0") if line} <= {"DENO_DIR", "DENO_NO_UPDATE_CHECK", "PWD", "OLDPWD", "_"}


async def test_killed_between_two_analyses(youtube: YouTube, deno: Deno) -> None:
    async with warmed_up(youtube, deno) as extractor:
        solver = await deno.warm()
        await complete(extractor, youtube)
        os.kill(solver, signal.SIGKILL)
        await complete(extractor, youtube)
        assert deno.starts == [OWN, WARM, OWN]
        await complete(extractor, youtube)
        assert deno.starts == [OWN, WARM, OWN, WARM]


async def test_killed_in_the_middle(youtube: YouTube, deno: Deno) -> None:
    async with warmed_up(youtube, deno) as extractor:
        solver = await deno.warm()
        await complete(extractor, youtube)
        os.kill(solver, signal.SIGSTOP)  # so that the analysis waits for it
        running = asyncio.create_task(complete(extractor, youtube))
        async for tried in patiently():
            with tried:
                assert len(youtube.requests.of("player")) == 2
        os.kill(solver, signal.SIGKILL)
        await running
        assert deno.starts == [OWN, WARM, OWN]


async def test_hangs(youtube: YouTube, deno: Deno) -> None:
    """The log tells of it, though the analysis is none the worse."""
    async with warmed_up(youtube, deno) as extractor:
        solver = await deno.warm()
        await complete(extractor, youtube)
        os.kill(solver, signal.SIGSTOP)
        with capture_logs() as logs:
            await complete(extractor, youtube)
        assert [log["text"] for log in logs if "warm solver" in log.get("text", "")]
        assert deno.starts == [OWN, WARM, OWN]
        await gone(solver)


async def test_answers_garbage(youtube: YouTube, deno: Deno) -> None:
    deno.warm_is("while read -r line; do echo garbage; done; exit")
    async with warmed_up(youtube, deno) as extractor:
        await gone(await deno.warm())
        await complete(extractor, youtube)
        assert deno.starts == [OWN, WARM, WARM, OWN]
        deno.warm_is(f'exec {find_deno()} "$@"')
        await complete(extractor, youtube)
        assert deno.starts == [OWN, WARM, WARM, OWN, WARM]


@pytest.mark.parametrize("wrong", ["n", ""], ids=["the challenge itself", "no solution"])
async def test_solves_wrongly(youtube: YouTube, deno: Deno, tmp_path: Path, wrong: str) -> None:
    """What cannot be right is left to yt-dlp's own provider."""
    program = tmp_path / "loop.js"
    program.write_text(
        "import { createInterface } from 'node:readline';\n"
        "for await (const line of createInterface({ input: process.stdin })) {\n"
        "  const { requests } = JSON.parse(line);\n"
        f"  const data = ({{ challenges }}) => Object.fromEntries(challenges.map((n) => [n, {wrong or 'null'}]));\n"
        "  if (requests) console.log(JSON.stringify({ type: 'result', responses:\n"
        "    requests.map((request) => ({ type: 'result', data: data(request) })) }));\n"
        "}\n"
    )
    deno.warm_is(f"exec {find_deno()} run --no-remote --no-npm --cached-only {program}")
    async with warmed_up(youtube, deno) as extractor:
        await complete(extractor, youtube)
        assert deno.starts == [OWN, WARM, OWN]


@pytest.mark.parametrize(
    "loss",
    [
        "del yt_dlp.extractor.youtube.jsc.provider.register_preference",
        "del yt_dlp.extractor.youtube.jsc.provider.NChallengeOutput",
        "yt_dlp.extractor.youtube.jsc.provider.JsChallengeProvider.another = abc.abstractmethod(lambda self: None)",
    ],
    ids=["a function", "a class", "something that a provider must have"],
)
async def test_an_interface_that_does_not_fit(youtube: YouTube, deno: Deno, tmp_path: Path, loss: str) -> None:
    """The child starts, yt-dlp's own provider does the work, and the log says why."""
    (tmp_path / "sitecustomize.py").write_text(
        "import abc, yt_dlp.extractor.youtube\nfrom yt_dlp.extractor.youtube.jsc import provider\n"
        f"{loss}\nabc.update_abstractmethods(provider.JsChallengeProvider)\n"
    )
    work = job(youtube)
    work.options["js_runtimes"] = {"deno": {"path": str(deno.path)}}
    with child_environment(youtube.ca_file) as environment:
        environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
        child = await Child.start(environment)
        lines: list[Line] = []

        async def note(line: Line) -> None:
            lines.append(line)

        try:
            for _ in range(2):
                assert (await child.run(work, note)).info
        finally:
            await child.kill()
    assert deno.starts == [OWN, OWN]
    assert any(line.level == "warning" and "warm solver does not fit" in line.text for line in lines)


async def test_broken_player(youtube: YouTube, deno: Deno) -> None:
    """What cannot be taken apart never gets to the warm solver, and is not remembered."""
    youtube.edit(videos.CHAPTERS, blocked_clients=frozenset({"VISIONOS"}))
    broken = youtube.fault(Fault("player_js", ShortBody(5000)))
    async with extracting(settings_for(youtube), deno=str(deno.path)) as extractor:
        assert (await attempt(extractor, videos.CHAPTERS)).verdict != "complete"
        assert WARM not in deno.starts
        broken.remove()
        youtube.edit(videos.CHAPTERS, blocked_clients=frozenset())
        await complete(extractor, youtube)
        await complete(extractor, youtube)
        assert deno.starts[-2:] == [OWN, WARM]


async def test_ends_when_there_is_nothing_to_do(youtube: YouTube, deno: Deno, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("from functions.analyze.extraction.solver import warm\nwarm.IDLE = 0.2\n")
    work = job(youtube)
    work.options["js_runtimes"] = {"deno": {"path": str(deno.path)}}
    with child_environment(youtube.ca_file) as environment:
        environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
        child = await Child.start(environment)
        try:
            assert (await child.run(work, ignore)).info
            await gone(await deno.warm())
            assert (await child.run(work, ignore)).info
            assert deno.starts == [OWN, WARM, WARM]
        finally:
            await child.kill()


async def test_ends_with_its_child(youtube: YouTube, deno: Deno) -> None:
    async with warmed_up(youtube, deno) as extractor:
        (child,) = await children(extractor)
        solver = await deno.warm()
        assert parent_of(solver) == child.pid
        os.kill(solver, signal.SIGSTOP)  # deaf to the end of stdin
        await child.kill()
        await gone(solver)


async def test_ends_when_its_child_alone_is_killed(youtube: YouTube, deno: Deno) -> None:
    async with warmed_up(youtube, deno) as extractor:
        (child,) = await children(extractor)
        solver = await deno.warm()
        await complete(extractor, youtube)
        os.kill(child.pid, signal.SIGKILL)
        await gone(solver)
        await complete(extractor, youtube)


def test_no_request_waits_for_the_one_before(youtube: YouTube, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nagle's algorithm is off on every connection to the proxy."""
    given = []
    original = connection._set_socket_options

    def noted(sock: socket.socket, options: Any) -> None:
        original(sock, options)
        given.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(connection, "_set_socket_options", noted)
    work = job(youtube)
    work.options["nocheckcertificate"] = True
    lines: list[Line] = []
    try:
        assert extract(work, lines.append).info
    finally:
        players.forget()
    assert given
    assert all(given)
