"""The child that owns the port: three functions and the page in one process, no byte handed on twice."""

import argparse
import socket
from pathlib import Path
from typing import Final

from functions.local.edge.app import create_app
from shared.logs import configure_logging
from shared.serve import Server, configuration, silence_broken_off
from shared.settings import load_settings

PAGE: Final = Path(__file__).parents[3] / "ui" / "dist"


def main() -> None:
    """Serve on the socket that the launcher has bound."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--listener", type=int, required=True)
    with socket.socket(fileno=arguments.parse_args().listener) as listener:
        settings = load_settings()
        configure_logging(settings)
        silence_broken_off()
        edge = create_app(settings, page_folder=PAGE)
        Server(configuration(edge, settings), *edge.hosted.values()).run(sockets=[listener])


if __name__ == "__main__":
    main()
