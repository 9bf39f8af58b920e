"""Every image, built once, the way its Dockerfile says."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.images.building import Builder, BuildError, Image
from tests.images.catalogue import DOCKERFILES, ROOT
from tests.images.machine import Machine, interpreter, may_build

ARGUMENTS: Final = {
    "VERSION": "1.2.3",
    "REVISION": "abcdef",
    "SOURCE": "https://code.example.org/sluice",
    "SOURCE_DATE_EPOCH": "1700000000",
}
ROOM: Final = 4 * 1024**3
UNREACHABLE: Final = re.compile(r"new connection|Temporary failure in name resolution|dns error|Connection refused")


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """In memory where there is enough, since layers are many small files; they are removed at the end."""
    tags = re.findall(r"^ARG PYTHON_TAG=(\d+\.\d+)-", (ROOT / DOCKERFILES["status"]).read_text(), re.MULTILINE)
    python = interpreter(tags[0])
    if not may_build() or python is None:
        pytest.skip("needs mount namespaces, and a Python with pip")
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    with tempfile.TemporaryDirectory(dir=memory if has_room else tmp_path_factory.getbasetemp()) as folder:
        yield Machine(Path(folder), python)


@pytest.fixture(scope="session")
def builder(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Builder:
    return Builder(ROOT, machine, arguments=ARGUMENTS, log=tmp_path_factory.mktemp("building") / "log")


@pytest.fixture(scope="session")
def build(builder: Builder) -> Callable[[str], Image]:
    """Builds an image by its name when it is first asked for."""
    built: dict[str, Image] = {}

    def found(name: str) -> Image:
        if name not in built:
            built[name] = built_or_skipped(name)
        return built[name]

    def built_or_skipped(name: str) -> Image:
        try:
            return builder.build(DOCKERFILES[name], name)
        except BuildError as error:
            if UNREACHABLE.search(str(error)):
                pytest.skip("no package index can be reached")
            raise

    return found


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What a container writes."""
    return tmp_path / "log"
