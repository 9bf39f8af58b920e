"""What a child says of its memory is its own."""

import subprocess
import sys

from functions.analyze.extraction.memory import resident

MIB = 1 << 20


def test_it_grows_with_what_is_held() -> None:
    before = resident()
    held = bytearray(b"x") * (64 * MIB)
    assert resident() - before > 48 * MIB
    assert len(held) == 64 * MIB


def test_a_small_child_of_a_large_process_is_small() -> None:
    held = bytearray(b"x") * (256 * MIB)
    code = "from functions.analyze.extraction.memory import resident; print(resident())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(child.stdout) < 128 * MIB
    assert len(held) == 256 * MIB
