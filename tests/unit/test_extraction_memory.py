"""What a child says of its memory is its own.

Asked in fresh processes: one that has freed as much before may get it back without growing.
"""

import subprocess
import sys

MIB = 1 << 20
REPORT = "from functions.analyze.extraction.memory import resident\n"


def told(code: str) -> int:
    """What a fresh process prints."""
    child = subprocess.run([sys.executable, "-c", REPORT + code], capture_output=True, text=True, check=True)
    return int(child.stdout)


def test_it_grows_with_what_is_held() -> None:
    grown = told(f"before = resident()\nheld = bytearray(b'x') * {64 * MIB}\nprint(resident() - before)")
    assert 48 * MIB < grown < 96 * MIB


def test_a_small_child_of_a_large_process_is_small() -> None:
    held = bytearray(b"x") * (256 * MIB)
    assert told("print(resident())") < 128 * MIB
    assert len(held) == 256 * MIB
