"""A container: an image's own command as its own user, alone in its process namespace, on a file system that is read-only."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.images.building import Image
from tests.images.machine import Machine, unprivileged

PATIENCE = 60.0


@dataclass
class Container:
    """:ivar pid: of its first process, seen from this machine"""

    image: Image
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes]"
    pid: int
    log: Path

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Another command inside, as ``docker exec`` would."""
        assert self.image.user is not None
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--root", "env", "-i", "-C", self.image.workdir, *variables]
        return subprocess.run(
            [*enter, "setpriv", *unprivileged(self.image.user), *command],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def wait(self) -> None:
        """Until its HEALTHCHECK is content."""

        @retry(wait=wait_fixed(0.1), stop=stop_after_delay(PATIENCE), retry=retry_if_exception_type(Unwell), reraise=True)
        def ask() -> None:
            assert self.process.poll() is None, self.log.read_text()
            checked = self.run(*self.image.healthcheck)
            if checked.returncode != 0:
                raise Unwell(f"{checked.stdout}{checked.stderr}\n{self.log.read_text()}")

        ask()

    def stop(self) -> int:
        """As the engine does; the exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)


@retry(wait=wait_fixed(0.005), stop=stop_after_delay(PATIENCE), retry=retry_if_exception_type(IndexError), reraise=True)
def first(parent: int) -> int:
    """What this process has started."""
    return int(Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0])


class Unwell(Exception):
    """The health check fails."""


@contextmanager
def running(machine: Machine, image: Image, log: Path, *, tmp: bool, **settings: str) -> Iterator[Container]:
    """:param tmp: whether it gets a /tmp, in memory; nothing else can be written to"""
    environment = {"HOME": "/", **image.environment, **settings}
    command = machine.run(
        image.root,
        [*image.entrypoint, *image.command],
        environment=environment,
        workdir=image.workdir,
        user=image.user,
        tmp=tmp,
    )
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Container(image=image, environment=environment, process=process, pid=first(process.pid), log=log)
    finally:
        process.kill()
        process.wait()
