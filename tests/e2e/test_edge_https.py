"""With SITE_ADDRESS the edge speaks HTTPS by itself; here with certificates of its own authority."""

import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trustme
from msgspec.structs import replace

import functions.analyze.app
from shared.settings import Settings, networks
from tests.edges import DEPLOY, caddy, page_in
from tests.serving import serving
from tests.valkey import free_port

KEY = "the access key of ours"


@pytest.fixture
async def analyze(settings: Settings) -> AsyncIterator[str]:
    trusting = replace(settings, access_key=KEY, trusted_proxies=networks("127.0.0.0/8"))
    async with serving(functions.analyze.app.create_app(trusting), trusting) as url:
        yield url


def trusting(folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"))


async def test_https_on_localhost_and_on_a_name(analyze: str, tmp_path: Path) -> None:
    port = free_port()
    page = page_in(tmp_path)
    with caddy(page, {"analyze": analyze}, SITE_ADDRESS="localhost, sluice.local", HTTPS_PORT=str(port)) as edge:
        async with httpx.AsyncClient(verify=trusting(tmp_path), trust_env=False) as client:
            plain = await client.get(f"{edge.url}/v1/session?a=b", headers={"Host": "localhost"})
            assert (plain.status_code, plain.headers["location"]) == (308, "https://localhost/v1/session?a=b")
            here = f"https://localhost:{port}"
            assert "Sluice" in (await client.get(f"{here}/")).text
            opened = await client.post(f"{here}/v1/session", json={"key": KEY})
            assert opened.status_code == 204
            assert "; secure" in opened.headers["set-cookie"].lower()
            assert "strict-transport-security" not in opened.headers, "it would be for every port of this machine"
            assert (await client.get(f"{here}/v1/session")).json()["is_authenticated"] is True
            elsewhere = {"headers": {"Host": "sluice.local"}, "extensions": {"sni_hostname": "sluice.local"}}
            named = await client.get(f"{here}/v1/session", **elsewhere)  # type: ignore[arg-type]
            assert named.headers["strict-transport-security"] == "max-age=31536000"
            assert (await client.get(f"{here}/metrics")).status_code == 404


async def test_a_certificate_of_one_s_own(analyze: str, tmp_path: Path) -> None:
    authority, port, name = trustme.CA(), free_port(), "video.example.org"
    certificate, key = tmp_path / "certificate.pem", tmp_path / "certificate.key"
    issued = authority.issue_cert(name)
    issued.private_key_pem.write_to_path(key)
    certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    own = {"SITE_ADDRESS": name, "SITE_TLS": f"tls {certificate} {key}", "HTTPS_PORT": str(port)}
    with caddy(page_in(tmp_path), {"analyze": analyze}, **own):
        async with httpx.AsyncClient(verify=trusting, trust_env=False) as client:
            asked = {"headers": {"Host": f"{name}:{port}"}, "extensions": {"sni_hostname": name}}
            answer = await client.get(f"https://127.0.0.1:{port}/v1/session", **asked)  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["is_required"]) == (200, True)
    assert "acme" not in (tmp_path / "caddy.log").read_text().lower(), "nobody is asked for another one"


@pytest.mark.parametrize("address", [None, "localhost", "example.org", "a.example.org, b.example.org"])
def test_the_configuration_is_valid(address: str | None, tmp_path: Path) -> None:
    command = ["caddy", "validate", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    if address is not None:
        environment["SITE_ADDRESS"] = address
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
