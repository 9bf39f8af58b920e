"""The solver's process and its owner, with the real runtime or with one that does as it is told."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.analyze.extraction import players
from functions.analyze.extraction.environment import find_deno
from functions.analyze.extraction.solver.process import Request, SolverError
from functions.analyze.extraction.solver.warm import MAX_FAILURES, WarmSolver

DENO = find_deno() or ""
PLAYER = "https://www.youtube.com/s/player/one/base.js"
REVERSING = '_result.n = n => [...n].reverse().join("");\n_result.sig = s => s.slice(1);'
BOTH = [Request("n", ["abc", "xyz"]), Request("sig", ["12345"])]


@pytest.fixture(autouse=True)
def _remembered() -> Iterator[None]:
    remember(PLAYER, REVERSING)
    yield
    players.forget()


def remember(url: str, code: str) -> None:
    """As yt-dlp's own provider does with what it made of a player."""
    players.TAKEN_APART.store("challenge-solver", f"player:{url}", code)


@pytest.fixture
def solver() -> Iterator[WarmSolver]:
    solver = WarmSolver()
    yield solver
    solver.end()


def pid_of(solver: WarmSolver) -> int:
    assert solver._process is not None
    return solver._process._process.pid


def fake(folder: Path, script: str) -> str:
    path = folder / "deno"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_solves_in_one_process(solver: WarmSolver) -> None:
    pids = []
    for _ in range(3):
        n, sig = solver.solve(DENO, PLAYER, BOTH)
        assert (n.data, sig.data) == ({"abc": "cba", "xyz": "zyx"}, {"12345": "2345"})
        pids.append(pid_of(solver))
    assert len(set(pids)) == 1


def test_players_come_and_go(solver: WarmSolver) -> None:
    """More of them than the process keeps; each is sent again when it is asked for again."""
    for number in [*range(4), *range(4)]:
        url = f"{PLAYER}?{number}"
        remember(url, f"_result.n = n => n + {number};")
        assert solver.solve(DENO, url, [Request("n", ["a"])])[0].data == {"a": f"a{number}"}


def test_large_players_and_any_character(solver: WarmSolver) -> None:
    remember(PLAYER, f"{REVERSING}//{'é☃𝄞' * 500_000}")
    assert solver.solve(DENO, PLAYER, [Request("n", ["é☃𝄞"])])[0].data == {"é☃𝄞": "𝄞☃é"}


def test_a_challenge_without_a_solution_says_so(solver: WarmSolver) -> None:
    remember(PLAYER, '_result.n = () => { throw new Error("no") };')
    assert [response.type for response in solver.solve(DENO, PLAYER, BOTH)] == ["error", "error"]


def test_an_unknown_player_starts_nothing(solver: WarmSolver) -> None:
    with pytest.raises(SolverError):
        solver.solve(DENO, "another", BOTH)
    solver.prepare()
    assert solver._process is None
    assert not solver._failures


def test_may_do_nothing_and_knows_nothing(solver: WarmSolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:secret@proxy")
    attempts = {
        "read": 'Deno.readTextFileSync("/etc/hosts")',
        "write": 'Deno.writeTextFileSync("/tmp/x", "")',
        "env": 'Deno.env.get("HTTPS_PROXY")',
        "run": 'new Deno.Command("/bin/true").outputSync()',
        "net": "Deno.listen({port: 0})",
        "ffi": 'Deno.dlopen("libc.so.6", {})',
        "sys": "Deno.hostname()",
    }
    for code in attempts.values():
        remember(PLAYER, f"_result.n = () => {{ try {{ {code}; return 'allowed' }} catch (error) {{ return error.name }} }};")
        solver.end()
        assert solver.solve(DENO, PLAYER, [Request("n", ["a"])])[0].data == {"a": "NotCapable"}, code
    if Path("/proc").exists():
        assert "secret" not in Path(f"/proc/{pid_of(solver)}/environ").read_text()


@pytest.mark.parametrize(
    "script",
    [
        "exec sleep 3600",
        "exec cat",
        'while read -r line; do echo \'{"type": "result"}\'; done',
        "exec yes",
        "exec tr -d '\\n' </dev/zero",
        "exit 3",
        "read -r line; exit",
        'read -r line; read -r line; echo \'{"type": "unknown"}\'; read -r line; echo \'{"type": "unknown"}\'',
    ],
    ids=["hangs", "echoes", "answers nothing", "talks", "never ends its line", "ends", "ends after a line", "forgets"],
)
def test_whatever_it_does_is_an_error_in_time(tmp_path: Path, script: str) -> None:
    deno = fake(tmp_path, f"echo $$ >{tmp_path}/pid\n{script}")
    solver = WarmSolver(timeout=0.5)
    remember(PLAYER, REVERSING + "\n" * 1_000_000)  # more than a pipe holds
    started = time.monotonic()
    with pytest.raises(SolverError):
        solver.solve(deno, PLAYER, BOTH)
    assert time.monotonic() - started < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text() or -1), 0)
    assert solver.solve(DENO, PLAYER, BOTH)[0].type == "result"  # in a process of its own
    solver.end()


@pytest.mark.parametrize(
    "code",
    ["while (true);", "const all = []; while (true) all.push(new Array(100_000).fill(0.5))"],
    ids=["never returns", "takes all memory"],
)
def test_a_player_that_goes_wild(code: str) -> None:
    solver = WarmSolver(timeout=1)
    remember(PLAYER, f"_result.n = () => {{ {code} }};")
    with pytest.raises(SolverError):
        solver.solve(DENO, PLAYER, BOTH)
    assert solver._process is None


def test_a_runtime_that_is_not_there(solver: WarmSolver) -> None:
    with pytest.raises(SolverError):
        solver.solve("/nonexistent/deno", PLAYER, BOTH)


def test_whatever_goes_wrong_ends_the_process_and_counts(solver: WarmSolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a version of yt-dlp's solver that has lost a function."""
    from yt_dlp_ejs.yt import solver as program  # type: ignore[import-untyped]

    with monkeypatch.context() as patch:
        patch.delattr(program, "core")
        for _ in range(MAX_FAILURES):
            with pytest.raises(SolverError, match="failed \\(AttributeError\\)"):
                solver.solve(DENO, PLAYER, BOTH)
            assert solver._process is None
    assert solver.is_given_up


def test_given_up_when_it_fails_again_and_again(solver: WarmSolver) -> None:
    for _ in range(MAX_FAILURES):
        assert not solver.is_given_up
        with pytest.raises(SolverError):
            solver.solve("/nonexistent/deno", PLAYER, BOTH)
    assert solver.is_given_up


@pytest.mark.parametrize("limit", [{"max_solves": 1}, {"max_resident": 1}])
def test_replaced_between_two_jobs_when_used_up(limit: dict[str, int]) -> None:
    solver = WarmSolver(**limit)
    try:
        solver.solve(DENO, PLAYER, BOTH)
        first = pid_of(solver)
        solver.prepare()
        assert pid_of(solver) != first
    finally:
        solver.end()


def test_prepared_but_not_after_a_failure(solver: WarmSolver) -> None:
    players.forget()
    with pytest.raises(SolverError):
        solver.solve(DENO, PLAYER, BOTH)
    remember(PLAYER, REVERSING)
    solver.prepare()
    prepared = pid_of(solver)
    solver.solve(DENO, PLAYER, BOTH)
    assert pid_of(solver) == prepared
    os.kill(prepared, 9)
    with pytest.raises(SolverError):
        solver.solve(DENO, PLAYER, BOTH)
    solver.prepare()
    assert solver._process is None


def test_understands_the_solver_that_is_installed() -> None:
    import yt_dlp_ejs  # type: ignore[import-untyped]

    from functions.analyze.extraction.solver.provider import UNDERSTOOD

    assert yt_dlp_ejs.version.startswith(UNDERSTOOD)
