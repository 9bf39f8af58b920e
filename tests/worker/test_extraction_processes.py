"""What runs, what it may know, and that nothing of it is left."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from functions.analyze.extraction.environment import child_environment, find_deno
from functions.analyze.extraction.extractor import Extractor
from functions.analyze.extraction.options import ydl_options
from functions.analyze.extraction.pool import Pool
from functions.analyze.extraction.process import Child, ChildError
from functions.analyze.extraction.strategies import PLAIN, Strategy
from functions.analyze.extraction.wire import Job, Line
from tests import youtube as videos
from tests.worker.extraction_attempts import GENEROUS, attempt, extracting, settings_for
from tests.youtube import YouTube

NO_JAVASCRIPT = Strategy(name="no javascript", clients=("visionos",))


@pytest.fixture(scope="module")
def youtube() -> Iterator[YouTube]:
    with YouTube.running() as running:
        yield running


class HangingDeno:
    """A runtime that answers its version and then hangs, and of which every process is known."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "deno"
        self._pids = folder / "pids"
        self.path.write_text(
            f'#!/bin/sh\n[ "$1" = --version ] && echo "deno 2.9.8" && exit\necho $$ >>{self._pids}\nexec sleep 3600\n'
        )
        self.path.chmod(0o755)

    async def started(self) -> int:
        async for tried in patiently():
            with tried:
                return int(self._pids.read_text().split()[-1])
        raise AssertionError

    async def gone(self) -> None:
        for pid in self._pids.read_text().split():
            await gone(int(pid))


@pytest.fixture
def hanging(tmp_path: Path) -> HangingDeno:
    return HangingDeno(tmp_path)


def patiently() -> AsyncRetrying:
    return AsyncRetrying(
        stop=stop_after_delay(GENEROUS),
        wait=wait_fixed(0.02),
        retry=retry_if_exception_type((AssertionError, OSError, IndexError)),
        reraise=True,
    )


async def gone(pid: int) -> None:
    async for tried in patiently():
        with tried:
            assert not is_running(pid)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def children(extractor: Extractor) -> list[Child]:
    return [await starting for starting in extractor._pool._all]


async def test_timeout_kills_everything_and_the_next_attempt_works(youtube: YouTube, hanging: HangingDeno) -> None:
    async with extracting(settings_for(youtube), deno=str(hanging.path)) as extractor:
        before = [child.pid for child in await children(extractor)]
        outcome = await attempt(extractor, videos.QUICK, timeout=6)
        assert outcome.problem is not None
        assert (outcome.verdict, outcome.problem.code) == ("retry", "analysis_timeout")
        await hanging.gone()
        await gone(before[0])
        assert (await attempt(extractor, videos.QUICK, strategy=NO_JAVASCRIPT)).verdict == "complete"


async def test_cancelled_attempt_leaves_nothing_running(youtube: YouTube, hanging: HangingDeno) -> None:
    async with extracting(settings_for(youtube), deno=str(hanging.path)) as extractor:
        running = asyncio.create_task(attempt(extractor, videos.QUICK))
        child = parent_of(await hanging.started())
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await hanging.gone()
        await gone(child)
        assert (await attempt(extractor, videos.QUICK, strategy=NO_JAVASCRIPT)).verdict == "complete"


async def test_killed_child_is_an_outcome(youtube: YouTube, hanging: HangingDeno) -> None:
    async with extracting(settings_for(youtube), deno=str(hanging.path)) as extractor:
        running = asyncio.create_task(attempt(extractor, videos.QUICK))
        os.kill(parent_of(await hanging.started()), signal.SIGKILL)
        outcome = await running
        assert outcome.problem is not None
        assert (outcome.verdict, outcome.problem.code) == ("retry", "internal_error")
        await hanging.gone()
        assert (await attempt(extractor, videos.QUICK, strategy=NO_JAVASCRIPT)).verdict == "complete"


async def test_child_killed_while_idle_is_replaced(youtube: YouTube) -> None:
    async with extracting(settings_for(youtube)) as extractor:
        (child,) = await children(extractor)
        os.kill(child.pid, signal.SIGKILL)
        async for tried in patiently():
            with tried:
                assert not child.is_alive
        assert (await attempt(extractor, videos.QUICK)).verdict == "complete"


async def test_killed_worker_takes_everything_with_it(youtube: YouTube, hanging: HangingDeno) -> None:
    worker = dedent(f"""
        import asyncio
        from pathlib import Path
        from functions.analyze.extraction.extractor import Extractor
        from functions.analyze.extraction.strategies import PLAIN
        from shared.settings import Settings

        async def main():
            settings = Settings(global_proxy={youtube.http_proxy!r}, ssl_cert_file=Path({str(youtube.ca_file)!r}))
            async with Extractor.open(settings, children=2, deno={str(hanging.path)!r}) as extractor:
                async def show(progress): pass
                url = "https://www.youtube.com/watch?v={videos.QUICK}"
                await extractor.attempt(url, {videos.QUICK!r}, PLAIN, timeout=600, on_progress=show)

        asyncio.run(main())
    """)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", worker)
    try:
        child = parent_of(await hanging.started())
        assert parent_of(child) == process.pid
        folder = folder_of(child)
    finally:
        process.kill()
        await process.wait()
    await gone(child)
    await hanging.gone()
    with child_environment(None):
        assert not os.path.exists(folder)  # noqa: PTH110, ASYNC240


def known_to(pid: int) -> str:
    return "".join(Path(f"/proc/{pid}/{name}").read_text() for name in ("environ", "cmdline"))


def folder_of(pid: int) -> Path:
    return Path(f"/proc/{pid}/cwd").readlink()


async def test_closing_leaves_neither_processes_nor_files(youtube: YouTube) -> None:
    async with extracting(settings_for(youtube), children=2) as extractor:
        pids = [child.pid for child in await children(extractor)]
        folder = folder_of(pids[0])
    for pid in pids:
        await gone(pid)
    assert not os.path.exists(folder)  # noqa: PTH110, ASYNC240


async def test_closing_at_once(youtube: YouTube) -> None:
    async with extracting(settings_for(youtube), children=2):
        pass


async def test_children_do_not_know_our_secrets(youtube: YouTube, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "ACCESS_KEY", "REDIS_URL", "GLOBAL_PROXY", "HTTPS_PROXY", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, "do-not-tell")
    async with extracting(settings_for(youtube)) as extractor:
        (child,) = await children(extractor)
        known = known_to(child.pid)
    assert "do-not-tell" not in known
    assert youtube.http_proxy not in known


async def test_children_are_replaced_when_used_up(youtube: YouTube) -> None:
    with child_environment(youtube.ca_file) as environment:
        async with Pool.open(environment, children=1, max_jobs=2) as pool:
            pids = []
            for _ in range(3):
                async with pool.borrow() as child:
                    pids.append(child.pid)
                    await child.run(job(youtube), ignore)
            assert pids[0] == pids[1] != pids[2]
            await gone(pids[0])
        async with Pool.open(environment, children=1, max_memory=1) as pool:
            for _ in range(2):
                async with pool.borrow() as child:
                    pids.append(child.pid)
                    await child.run(job(youtube), ignore)
            assert pids[3] != pids[4]


async def test_a_child_that_cannot_start_is_an_error_not_a_wait(youtube: YouTube) -> None:
    with child_environment(None) as environment:
        environment["PYTHONPATH"] = "/nonexistent"
        async with Pool.open(environment, children=1) as pool:
            for _ in range(2):
                with pytest.raises(ChildError):
                    async with pool.borrow():
                        pass


async def test_two_at_once(youtube: YouTube) -> None:
    async with extracting(settings_for(youtube), children=2) as extractor:
        outcomes = await asyncio.gather(*(attempt(extractor, videos.QUICK) for _ in range(5)))
        assert {outcome.verdict for outcome in outcomes} == {"complete"}
        assert len(await children(extractor)) == 2


async def test_what_others_print_does_not_disturb(youtube: YouTube, tmp_path: Path) -> None:
    plugin = tmp_path / "yt_dlp_plugins" / "extractor" / "noisy.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text("import os\nprint('{\"type\": \"ready\"}')\nos.write(1, b'noise\\n')\n")
    with child_environment(youtube.ca_file) as environment:
        environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
        child = await Child.start(environment)
        try:
            report = await child.run(job(youtube), ignore)
            async for tried in patiently():
                with tried:
                    assert "noise" in child._complaints
        finally:
            await child.kill()
    assert report.info is not None


async def test_the_worker_never_loads_yt_dlp() -> None:
    check = "import sys, functions.analyze.extraction.extractor; print([name for name in sys.modules if name.startswith('yt_dlp')])"
    done = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def job(youtube: YouTube) -> Job:
    options = ydl_options(proxy=youtube.http_proxy, pot_provider_url=None, strategy=PLAIN, deno=find_deno(), has_extra_trust=True)
    return Job(url=f"https://www.youtube.com/watch?v={videos.QUICK}", options=options, provider=None, bypass_cache=False)


async def ignore(line: Line) -> None:
    """Nobody listens."""
