"""What a child process sees of this machine: enough to run, none of our secrets, no proxy and no trust store but ours."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import certifi

from functions.analyze.extraction.folder import private_folder

_ROOT: Final = Path(__file__).resolve().parents[3]


@contextmanager
def child_environment(ssl_cert_file: Path | None) -> Iterator[dict[str, str]]:
    """The complete environment of the children, and the private folder they live in, removed at the end.

    :param ssl_cert_file: trusted beside the public authorities, in everything a child does.
    """
    with private_folder() as folder:
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(_ROOT),
            "PYTHONUTF8": "1",
            "LC_ALL": "C.UTF-8",
            # Configuration, plugins and caches of the account are neither read nor written.
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "DENO_DIR": str(folder / "deno"),
            "DENO_NO_UPDATE_CHECK": "1",
        }
        if ssl_cert_file is not None:
            bundle = str(trust_bundle(folder, ssl_cert_file))
            # yt-dlp's three HTTP clients read three different variables; whichever is first must name the same file.
            environment |= {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle, "CURL_CA_BUNDLE": bundle}
        yield environment


def trust_bundle(folder: Path, extra: Path) -> Path:
    """One file with the public authorities and the extra ones."""
    bundle = folder / "trust.pem"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + extra.read_bytes())
    return bundle


def find_deno() -> str | None:
    """The JavaScript runtime: beside this Python, as the wheel installs it, else on PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which("deno", path=beside) or shutil.which("deno")
