"""The stream function as it is, but for which hosts it may ask: in this process this machine's loopback, and nothing else."""

from unittest.mock import patch
from urllib.parse import urlsplit

from functions.stream.app import create_app
from shared import hosts
from shared.serve import serve


def is_loopback(url: str, domains: tuple[str, ...]) -> bool:  # noqa: ARG001 - in the place of `is_allowed`
    return urlsplit(url).hostname == "127.0.0.1"


if __name__ == "__main__":
    with patch.object(hosts, "is_allowed", is_loopback):
        serve(create_app, name="stream")
