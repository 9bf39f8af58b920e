"""Writes the OpenAPI document of every function into a folder, for `deno task api` in ui/: `python scripts/openapi.py FOLDER`."""

import asyncio
import sys
from importlib import import_module
from pathlib import Path
from typing import Final

import httpx

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from shared.settings import Settings  # noqa: E402 - found through the line above

FUNCTIONS: Final = ("analyze", "status", "stream")


async def document(name: str) -> bytes:
    """As the function serves it, at the root and with an access key."""
    app = import_module(f"functions.{name}.app").create_app(Settings(secret_key="s" * 32, access_key="a" * 16))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://sluice.invalid") as client:
        answer = await client.get(f"/v1/{name}/openapi.json")
    return answer.raise_for_status().content


async def documents() -> dict[str, bytes]:
    """All of them, by function."""
    return {name: await document(name) for name in FUNCTIONS}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, content in asyncio.run(documents()).items():
        (folder / f"{name}.json").write_bytes(content)
