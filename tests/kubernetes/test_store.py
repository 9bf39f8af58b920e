"""The store in the cluster, started by its own command line: a password, which is on none."""

import os
import subprocess
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.deployed import ROOT
from tests.kubernetes.kustomize import built, containers
from tests.valkey import free_port, server_binary

PASSWORD = "p" * 32


@retry(retry=retry_if_exception_type(redis.ConnectionError), stop=stop_after_delay(20), wait=wait_fixed(0.02), reraise=True)
def connected(port: int) -> redis.Redis:
    client = redis.Redis(port=port, password=PASSWORD, retry=Retry(NoBackoff(), 0))
    client.ping()
    return client


def test_its_password_is_on_no_command_line(tmp_path: Path) -> None:
    documents = built(ROOT / "deploy" / "kubernetes" / "components" / "store")
    ((store,),) = (found for found in map(containers, documents) if found)
    port, binary = free_port(), server_binary()
    told = [*store["command"], *store["args"], "--port", str(port), "--bind", "127.0.0.1", "--set-proc-title", "no"]
    command = [{"valkey-server": binary}.get(part, part).replace("/data", str(tmp_path)) for part in told]
    process = subprocess.Popen(
        command, env={"PATH": os.environ["PATH"], "REDIS_PASSWORD": PASSWORD}, cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    try:
        with connected(port) as client:
            assert client.config_get("append*")["appendonly"] == "yes"
            assert client.config_get("dir")["dir"] == str(tmp_path)
            assert client.info("server")["process_id"] == process.pid, "who is told to stop is the server itself"
        with redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        line = Path(f"/proc/{process.pid}/cmdline").read_text()
        assert "appendonly" in line
        assert PASSWORD not in line
    finally:
        process.terminate()
        process.wait(timeout=20)
