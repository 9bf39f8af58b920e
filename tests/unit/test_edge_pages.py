"""docs/compose.md and docs/edge.md: what they name exists, and what they show is taken by the programs it is for."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
import trustme

from tests.edges import DEPLOY, nginx_binary
from tests.unit.test_compose import COMPOSE_ONLY, ROOT, documented

PAGES: Final = {
    f"{name}{ending}": (ROOT / "docs" / f"{name}{ending}") for name in ("compose", "edge") for ending in (".md", ".zh-CN.md")
}
FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIABLE: Final = re.compile(r"`([A-Z][A-Z_]+)`")
OF_CADDY: Final = set(re.findall(r"\{\$([A-Z_]+)", (DEPLOY / "Caddyfile").read_text(encoding="utf-8")))


def blocks(name: str, language: str) -> list[str]:
    return [text for found, text in FENCE.findall(PAGES[name].read_text(encoding="utf-8")) if found == language]


@pytest.mark.parametrize("name", PAGES)
def test_every_variable_is_one(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    said = set(VARIABLE.findall(text)) | {line.partition("=")[0] for block in blocks(name, "ini") for line in block.splitlines()}
    assert said <= documented().keys() | OF_CADDY
    assert said >= (OF_CADDY if name.startswith("edge") else COMPOSE_ONLY)


@pytest.mark.parametrize("ending", [".md", ".zh-CN.md"])
def test_the_edge_s_variables_are_named_as_they_are_elsewhere(ending: str) -> None:
    text = (ROOT / "docs" / f"platforms{ending}").read_text(encoding="utf-8")
    assert set(VARIABLE.findall(text)) & OF_CADDY >= {
        f"{name}{port}" for name in ("ANALYZE", "STATUS", "STREAM") for port in ("", "_PORT")
    }
    assert "host:port" not in text


@pytest.mark.parametrize("name", ["edge.md", "edge.zh-CN.md"])
def test_nginx_takes_what_is_shown(name: str, tmp_path: Path) -> None:
    location, tls = blocks(name, "nginx")
    certificate = trustme.CA().issue_cert("example.org")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "example.org.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "example.org.key")
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8").replace(" /tmp/", f" {tmp_path}/")
    assert "listen 8080; # here\n" in text
    tls = tls.replace("/etc/ssl/", f"{tmp_path}/").replace("listen 443", "listen 8443")
    (tmp_path / "nginx.conf").write_text(text.replace("listen 8080; # here\n", tls + location))
    done = subprocess.run(
        [nginx_binary(), "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["edge.md", "edge.zh-CN.md"])
def test_caddy_takes_what_is_shown(name: str, tmp_path: Path) -> None:
    (shown,) = blocks(name, "caddyfile")
    (tmp_path / "Caddyfile").write_text(shown)
    command = ["caddy", "validate", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
