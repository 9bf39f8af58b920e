"""What the two auditors have found out, if anything. Pure. An auditor that could ask nobody has found out nothing."""

import json
import re
from typing import Any, Final

from msgspec import Struct

_CLEAN: Final = "No known vulnerabilities found"
_FOUND: Final = re.compile(r"Found \d+ vulnerabilit|Severity:")
_ENTRY: Final = re.compile(
    r"╭ (?P<title>.+)\n│ Severity: +(?P<severity>\S+)\n│ Package: +(?P<name>\S+)\n(?:│.*\n)*╰ Info: +(?P<page>\S+)"
)
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m")


class Verdict(Struct, frozen=True, kw_only=True):
    """``weak``: one line for each known weakness. ``unasked``: packages of which nothing could be found out, or why."""

    checked: int = 0
    weak: tuple[str, ...] = ()
    unasked: tuple[str, ...] = ()


def of_pip_audit(output: str) -> Verdict:
    """From its JSON. Packages that its service does not know count as unasked, where it would say that all is well."""
    try:
        dependencies: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Verdict(unasked=("the service did not answer",))
    weak = tuple(
        f"{item['name']} {item['version']}: {found['id']}, cured in {', '.join(found['fix_versions']) or 'no version yet'}"
        for item in dependencies
        for found in item.get("vulns", [])
    )
    unasked = tuple(item["name"] for item in dependencies if "skip_reason" in item)
    return Verdict(checked=len(dependencies) - len(unasked), weak=weak, unasked=unasked)


def of_deno_audit(output: str, *, packages: int) -> Verdict:
    """From its words; it ends in the same way whether it found something or nobody answered."""
    plain = _ESCAPES.sub("", output)
    if _FOUND.search(plain):
        told = tuple(
            f"{found['name']}: {found['title']} ({found['severity']}), {found['page']}" for found in _ENTRY.finditer(plain)
        )
        return Verdict(checked=packages, weak=told or tuple(filter(None, plain.splitlines())))
    if _CLEAN in plain:
        return Verdict(checked=packages)
    return Verdict(unasked=("the registry did not answer",))
