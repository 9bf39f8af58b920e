"""Relays to be held against: nginx as the limit of what a relay can do, mediaflow-proxy as the nearest relative."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlencode

from bench.nginx import nginx
from bench.processes import ROOT, Process, listening
from bench.upstream import Scheme, Upstream
from tests.valkey import free_port

MEDIAFLOW_PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
"""Its dependencies are not ours: bench/peers.sh makes an environment of its own for it."""

MEDIAFLOW_KEY: Final = "bench"

DEFAULT_BUFFERS: Final = ""
LARGE_BUFFERS: Final = "proxy_buffer_size 256k; proxy_buffers 8 256k; proxy_busy_buffers_size 512k;"
"""Of nginx: as much at once as our function receives."""

_PROXY: Final = """\
server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass {base};
            proxy_http_version 1.1;
            proxy_buffering off;
            {buffers}
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_name localhost;
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {ca_file};
        }}
    }}"""


@contextmanager
def nginx_proxy(name: str, upstream: Upstream, scheme: Scheme, *, buffers: str) -> Iterator[Process]:
    """`proxy_pass` without buffering, one worker."""
    port = free_port()
    http = _PROXY.format(port=port, base=upstream.base(scheme), buffers=buffers, ca_file=upstream.ca_file)
    with nginx(name, http, port=port, folder=upstream.folder) as process:
        yield process


@contextmanager
def mediaflow(upstream: Upstream) -> Iterator[Process]:
    """One worker, its own defaults."""
    port = free_port()
    command = [str(MEDIAFLOW_PYTHON), "-m", "uvicorn", "mediaflow_proxy.main:app", "--host", "127.0.0.1", "--port", str(port)]
    environment = {"API_PASSWORD": MEDIAFLOW_KEY, "LOG_LEVEL": "WARNING", "SSL_CERT_FILE": str(upstream.ca_file)}
    with listening([*command, "--log-level", "warning"], port=port, folder=upstream.folder, environment=environment) as process:
        yield process


def mediaflow_path(url: str) -> str:
    """How it is asked for what is at this URL."""
    return f"/proxy/stream?{urlencode({'d': url, 'api_password': MEDIAFLOW_KEY})}"
