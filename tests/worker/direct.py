"""``python -m tests.worker.direct FOLDER``, in network and mount namespaces of its own: what the plugin gets without a proxy.

There, the names of YouTube and Google lead to the loopback, where the stand-in answers, and nothing else exists.
"""

import fcntl
import json
import socket
import struct
import subprocess
import sys
from pathlib import Path

import httpx

from tests.token_service import GOOGLE, WithChallenge, contents, serving
from tests.worker.fronts import hosts_in_front_of
from tests.worker.plugin import CONTEXTS, Recorder, fetch_token, yt_dlp_with
from tests.youtube import Fault, YouTube

HOSTS = ("www.youtube.com", *GOOGLE)
ANOTHER = "127.0.2.1"
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1


def main(folder: Path) -> None:
    raise_loopback()
    callers: list[str] = []
    with YouTube.running(extras=GOOGLE) as youtube, hosts_in_front_of(youtube.port, HOSTS, callers) as addresses:
        youtube.fault(Fault("page", WithChallenge(), host="www.youtube.com"))
        name_hosts(folder / "hosts", addresses)
        with serving(SSL_CERT_FILE=str(youtube.ca_file)) as service:
            service.wait()
            with yt_dlp_with(service, "", Recorder()) as ydl:
                tokens = [fetch_token(ydl, context, content=f"directly: {context.value}") for context in CONTEXTS]
            found = {
                "tokens": [contents(token or "") for token in tokens],
                "hosts": [request.host for request in youtube.requests],
                "minters": httpx.get(f"{service.url}/minter_cache", trust_env=False).json(),
                "callers": sorted(set(callers)),
            }
            callers.clear()
            found["from another address"] = contents(service.ask(None, source_address=ANOTHER)["poToken"])
            found["callers from another address"] = sorted(set(callers))
    json.dump(found, sys.stdout)


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))


def name_hosts(file: Path, addresses: dict[str, str]) -> None:
    file.write_text("".join(f"{address} {host}\n" for host, address in addresses.items()))
    subprocess.run(["mount", "--bind", file, "/etc/hosts"], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
