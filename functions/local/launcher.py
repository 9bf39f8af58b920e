"""The local launcher: one command, one port, nothing left behind."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

from functions.local import listening, plan, state
from functions.local.failure import LaunchError
from functions.local.stopping import StopRequestedError, StopRequests
from functions.local.supervision import supervise
from shared.settings import Settings, SettingsError, load_settings

ROOT: Final = Path(__file__).parents[2]
DEFAULT_PORT: Final = 8080
"""Not the functions' own 8000: this port is everything."""


def main() -> int:
    """Run until a signal or the death of a child; the exit code says which: 0 asked to, 1 could not go on, 2 bad settings."""
    os.chdir(ROOT)
    try:
        asyncio.run(launch())
    except StopRequestedError:
        return 0
    except SettingsError as error:
        print(f"sluice: {error}", file=sys.stderr)
        return 2
    except LaunchError as error:
        print(f"sluice: {error}", file=sys.stderr)
        return 1
    return 0


async def launch() -> None:
    """Start everything, say where it is, and keep it running.

    :raises SettingsError: with a message that names the variable.
    :raises LaunchError: when something cannot start or has died.
    :raises StopRequestedError: after a signal, once everything has stopped.
    """
    folder = state.folder(os.environ)
    provided = plan.provide(folder)
    settings = load_settings(default_port=DEFAULT_PORT, fallbacks=provided.fallbacks)
    with listening.bind(settings.host, settings.port) as listener, state.exclusive(folder) as lock:
        stages = plan.stages(
            settings=settings,
            provided=provided,
            root=ROOT,
            environment=os.environ,
            python=Path(sys.executable),
            listener=listener.fileno(),
            lock=lock,
        )

        def ready() -> None:
            listener.close()  # the edge has its own by now: once it stops, nobody may wait at the door
            announce(settings)

        with StopRequests.from_signals() as requests:
            await supervise(stages, requests=requests, announce=ready)


def announce(settings: Settings) -> None:
    """Say the one address, for people and for scripts that wait for it."""
    print(f"Sluice is ready: {listening.address(settings.host, settings.port)}{settings.root_path}/", flush=True)
