"""nginx with one worker, as it comes, but for what a measurement says."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.processes import Process, listening

_CONFIGURATION: Final = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid {name}.pid;
error_log stderr crit;
{user}
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {name}-temp;
    proxy_temp_path {name}-temp;
    fastcgi_temp_path {name}-temp;
    uwsgi_temp_path {name}-temp;
    scgi_temp_path {name}-temp;
    {http}
}}
"""


@contextmanager
def nginx(name: str, http: str, *, port: int, folder: Path) -> Iterator[Process]:
    """One process with its worker.

    :param name: of its files in the folder
    :param http: what the http block says
    :param port: one that it listens on
    """
    # A worker of root's would become somebody who cannot read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / f"{name}.conf"
    configuration.write_text(_CONFIGURATION.format(name=name, user=user, http=http))
    command = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
    with listening(command, port=port, folder=folder, environment={}) as process:
        yield process
