"""``python -m scripts.audit UV``: known weaknesses of everything that is locked.

Ends with 0 where none is known, with 1 where one is, and with 2 where somebody could not be asked and so nothing is known.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from scripts.audit.verdict import Verdict, of_deno_audit, of_pip_audit

ROOT: Final = Path(__file__).parents[2]
PIP_AUDIT: Final = "pip-audit==2.10.1"
"""Run in an environment of its own: what audits is no part of what is audited."""
SERVICES: Final = ("pypi", "osv")
"""Asked in this order, until one knows the packages."""
PATIENCE: Final = 600


def audited_python(uv: str) -> Verdict:
    """Everything in requirements.lock."""
    verdict = Verdict()
    for service in SERVICES:
        options = (
            "--vulnerability-service",
            service,
            "--require-hashes",
            "--disable-pip",
            "--progress-spinner",
            "off",
            "--format",
            "json",
        )
        command = [uv, "tool", "run", "--quiet", PIP_AUDIT, *options, "--requirement", str(ROOT / "requirements.lock")]
        verdict = of_pip_audit(_output(command, ROOT))
        if verdict.checked:
            break
    return verdict


def audited_deno(folder: Path) -> Verdict:
    """Everything in the folder's deno.lock."""
    packages = len(json.loads((folder / "deno.lock").read_text())["npm"])
    return of_deno_audit(_output([str(ROOT / ".venv/bin/deno"), "audit"], folder), packages=packages)


def _output(command: list[str], folder: Path) -> str:
    """What a program says, whatever it ends with: both of them end with 1 for more than one reason."""
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603
    return ended.stdout if ended.stdout.lstrip().startswith("{") else ended.stdout + ended.stderr


def report(name: str, verdict: Verdict) -> str:
    """A line, and one for each weakness."""
    lines = [f"{name}: {verdict.checked} packages checked, {len(verdict.weak)} known weaknesses", *verdict.weak]
    if verdict.unasked:
        lines.append(f"{name}: NOT CHECKED, so nothing is known: {', '.join(verdict.unasked)}")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Ask, and say what came of it."""
    verdicts = {
        "requirements.lock": audited_python(sys.argv[1]),
        "ui/deno.lock": audited_deno(ROOT / "ui"),
        "pot-provider/deno.lock": audited_deno(ROOT / "pot-provider"),
    }
    sys.stdout.writelines(report(name, verdict) for name, verdict in verdicts.items())
    return conclusion(list(verdicts.values()))


def conclusion(verdicts: list[Verdict]) -> int:
    """The exit code."""
    if any(verdict.weak for verdict in verdicts):
        return 1
    return 2 if any(verdict.unasked for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
