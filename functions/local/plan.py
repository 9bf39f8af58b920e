"""What runs, in which order, with which environment: decided here, done in supervision."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from functions.local import listening, readiness, state, store
from functions.local.child import Spec
from functions.local.supervision import Condition, Stage
from shared.settings import Settings


class Provided(Struct, frozen=True, kw_only=True):
    """What this machine provides when neither the environment nor .env says otherwise."""

    store_folder: Path
    store_port: int
    store_password: str
    secret_key: str

    @property
    def store_url(self) -> str:
        """Where the local store answers."""
        return f"redis://:{self.store_password}@127.0.0.1:{self.store_port}/0"

    @property
    def fallbacks(self) -> dict[str, str]:
        """As settings."""
        return {"REDIS_URL": self.store_url, "SECRET_KEY": self.secret_key, "LOG_FORMAT": "console"}


def provide(folder: Path) -> Provided:
    """A store nobody else can reach, and a secret of this user's own."""
    return Provided(
        store_folder=folder,
        store_port=listening.free_port(),
        store_password=secrets.token_urlsafe(24),
        secret_key=state.kept_secret(folder / "secret_key"),
    )


def stages(
    *,
    settings: Settings,
    provided: Provided,
    root: Path,
    environment: Mapping[str, str],
    python: Path,
    listener: int,
    lock: int,
) -> list[Stage]:
    """First the store, which all others need; then everything else at once, the edge last so that it is the first to stop."""
    common = {
        **environment,
        # yt-dlp looks for `deno` on PATH, and finds the one beside this interpreter.
        "PATH": os.pathsep.join((str(python.parent), environment.get("PATH", os.defpath))),
        "PYTHONUNBUFFERED": "1",
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key,
        "LOG_FORMAT": settings.log_format,
        "ROOT_PATH": settings.root_path,
    }
    provider = provider_stage(settings, root=root, common=common, python=python)
    if provider is not None:
        common["POT_PROVIDER_URL"] = provider.conditions[0].address
    worker = Spec(
        name="worker",
        command=(str(python), "-m", "functions.analyze.worker"),
        environment={**common, "HOST": "127.0.0.1", "PORT": str(listening.free_port())},
        folder=root,
    )
    edge = Spec(
        name="edge",
        command=(str(python), "-m", "functions.local.edge", "--listener", str(listener)),
        environment={**common, "HOST": settings.host, "PORT": str(settings.port)},
        folder=root,
        inherited=(listener,),
    )
    edge_address = listening.address(settings.host, settings.port)
    return [
        store_stage(settings, provided=provided, common=common, lock=lock),
        Stage(
            children=(*(provider.children if provider else ()), worker, edge),
            conditions=(
                *(provider.conditions if provider else ()),
                Condition(name="edge", address=f"{edge_address}/healthz", check=readiness.answers_http),
            ),
        ),
    ]


def store_stage(settings: Settings, *, provided: Provided, common: Mapping[str, str], lock: int) -> Stage:
    """A store of our own unless REDIS_URL names one; either must answer before anything else starts."""
    answers = Condition(name="store", address=settings.redis_url, check=readiness.answers_ping)
    if settings.redis_url != provided.store_url:
        return Stage(children=(), conditions=(answers,))
    program = store.server(common["PATH"])
    folder = provided.store_folder / program.name  # Redis cannot read what Valkey wrote
    folder.mkdir(mode=0o700, exist_ok=True)
    configuration = store.configuration(
        port=provided.store_port,
        password=provided.store_password,
        folder=folder,
    )
    child = Spec(
        name="store",
        command=(str(program), "-"),
        environment=common,
        folder=folder,
        inherited=(lock,),
        input=configuration.encode(),
        is_heard=False,
    )
    return Stage(children=(child,), conditions=(answers,))


def provider_stage(settings: Settings, *, root: Path, common: Mapping[str, str], python: Path) -> Stage | None:
    """The token service, where this checkout has one and POT_PROVIDER_URL names no other."""
    folder = root / "pot-provider"
    if settings.pot_provider_url is not None or not (folder / "main.ts").is_file():
        return None
    port = listening.free_port()
    # It works in a folder of its own, where a relative path would lead elsewhere.
    trust = {} if settings.ssl_cert_file is None else {"SSL_CERT_FILE": str(settings.ssl_cert_file.absolute())}
    child = Spec(
        name="provider",
        command=(str(python.parent / "deno"), "task", "--quiet", "start"),
        environment={**common, **trust, "HOST": "127.0.0.1", "PORT": str(port)},
        folder=folder,
    )
    # The first start fetches packages.
    ready = Condition(name="provider", address=f"http://127.0.0.1:{port}", check=readiness.answers_provider, patience=180)
    return Stage(children=(child,), conditions=(ready,))
