"""The images there are."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCKERFILES: Final = {
    "analyze": Path("functions/analyze/Dockerfile"),
    "worker": Path("functions/analyze/Dockerfile"),
    "status": Path("functions/status/Dockerfile"),
    "stream": Path("functions/stream/Dockerfile"),
    "pot-provider": Path("pot-provider/Dockerfile"),
    "edge": Path("ui/Dockerfile"),
}
