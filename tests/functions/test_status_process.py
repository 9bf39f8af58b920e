"""``python -m functions.status`` as a process: how it starts, what it writes, how it stops."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.valkey import free_port

ROOT = Path(__file__).parent.parent.parent
KEY = "the access key of ours"


@retry(retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_delay(20), wait=wait_fixed(0.05), reraise=True)
def ask(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers)


def start(folder: Path, **environment: str) -> "subprocess.Popen[str]":
    inherited = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.Popen(
        [sys.executable, "-m", "functions.status"],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_serves_writes_json_and_stops(tmp_path: Path, redis_url: str) -> None:
    port = free_port()
    process = start(tmp_path, PORT=str(port), REDIS_URL=redis_url, ACCESS_KEY=KEY, SECRET_KEY="s" * 32)
    try:
        base = f"http://127.0.0.1:{port}"
        assert ask(f"{base}/readyz").status_code == 200
        found = ask(f"{base}/v1/status/x?key={KEY}", Authorization=f"Bearer {KEY}", Cookie="sluice_session=abcdefgh")
        assert found.status_code == 404
    finally:
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert errors == ""
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["function"] for line in lines} == {"status"}
    (request,) = [line for line in lines if line["event"] == "request"]
    assert (request["route"], request["status"], request["code"]) == ("/v1/status/{task_id}", 404, "unknown_task")
    for secret in (KEY, "abcdefgh", "127.0.0.1,"):
        assert secret not in output


@pytest.mark.parametrize(("name", "value"), [("PORT", "many"), ("LOG_LEVEL", "loud"), ("HOST", "0.0.0.0")])
def test_a_bad_setting_stops_the_start_with_its_name(tmp_path: Path, name: str, value: str) -> None:
    process = start(tmp_path, **{name: value})
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert output == ""
    assert name in errors
    assert "Traceback" not in errors
