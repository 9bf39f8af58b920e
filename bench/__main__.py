"""``python -m bench [--smoke] [NAME ...]``: every measurement in turn, or those that are named."""

import argparse
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from bench import analysis, connections, cpu, crowd, first_byte, memory, merge, store, submit, worker, workers
from bench.figures import document, row
from bench.machine import machine
from bench.peers import MEDIAFLOW_PYTHON
from bench.processes import allow_descriptors
from bench.scale import FULL, SMOKE

RESULTS: Final = Path(__file__).with_name("results.json")
MEASUREMENTS: Final = (cpu, connections, first_byte, merge, memory, crowd, workers, submit, analysis, worker, store)


def main() -> None:
    modules = {module.__name__.rpartition(".")[2]: module for module in MEASUREMENTS}
    options = _options(list(modules))
    scale = replace(SMOKE if options.smoke else FULL, has_mediaflow=not options.without_mediaflow)
    allow_descriptors()
    conditions = machine()
    found = {}
    for name in options.names or modules:
        print(f"{name}: {(modules[name].__doc__ or '').splitlines()[0]}", flush=True)
        figures = modules[name].measure(scale)
        # So little of it is held against nothing.
        found[name] = [replace(figure, target=None) for figure in figures] if options.smoke else figures
        print("\n".join(map(row, found[name])), flush=True)
    if options.results is not None:
        options.results.write_text(document(conditions, found))


def _options(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measurements; bench/README.md has the method.")
    parser.add_argument("names", nargs="*", choices=[*names, []], metavar="NAME", help=f"of {', '.join(names)}; none: all of them")
    parser.add_argument("--smoke", action="store_true", help="next to nothing of each, to see that it runs")
    parser.add_argument("--without-mediaflow", action="store_true", help="where bench/peers.sh has not been run")
    parser.add_argument("--results", type=Path, help="where to write them as JSON; of a complete run: bench/results.json")
    options = parser.parse_args()
    if not options.without_mediaflow and not MEDIAFLOW_PYTHON.exists():
        parser.error("mediaflow-proxy is not installed: run bench/peers.sh first, or say --without-mediaflow")
    if options.results is None and not (options.smoke or options.names or options.without_mediaflow):
        options.results = RESULTS
    return options


if __name__ == "__main__":
    main()
