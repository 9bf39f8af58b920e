"""Most measurements still run. How fast is nobody's business here."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
MEASUREMENTS: Final = ("cpu", "connections", "first_byte", "merge", "memory", "crowd", "workers", "worker", "store")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif(shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin") is None, reason="nginx is not installed")
def test_every_measurement_finds_something(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench", "--smoke", "--without-mediaflow", "--results", str(results), *MEASUREMENTS]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(results.read_text())
    assert found["machine"]["processors"] > 0
    figures = {(name, figure["name"]): figure for name in MEASUREMENTS for figure in found["figures"][name]}
    assert {name for name, _ in figures} == set(MEASUREMENTS)
    (failed,) = (figure["value"] for (name, title), figure in figures.items() if name == "crowd" and title.endswith("failed"))
    assert failed == 0
    for name, title in (
        ("cpu", "sluice / nginx, plain upstream"),
        ("cpu", "sluice / nginx, TLS upstream"),
        ("connections", "4 connections / 1"),
        ("first_byte", "through sluice, median"),
        ("merge", "merged / single"),
        ("merge", "first byte, merged WebM"),
        ("merge", "a short MP4 by ffmpeg -c copy, CPU time"),
        ("merge", "a long MP4 by ffmpeg -c copy, CPU time"),
        ("merge", "reader alone, WebM, 2160p, 20 Mb/s"),
        ("memory", "in memory during 0.0625 GiB, peak"),
        ("workers", "2 workers / 1"),
        ("worker", "CPU time of one analysis, all told"),
        ("store", "1,000 videos whose media URLs have ended"),
    ):
        assert figures[name, title]["value"] > 0, run.stdout
