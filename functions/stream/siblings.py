"""The other node that has the same file. Pure.

A media URL names the nodes of its file in ``mn`` and the number of the machine there in ``fvip``; what the URL is signed for is not
its host, so that one node can be asked in the other's place.
"""

import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

_MACHINE: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_NODE: Final = re.compile(r"sn-[a-z0-9-]{1,60}", re.ASCII)


def sibling(url: str) -> str | None:
    """The same URL on another node, if it names one."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    machine = query.get("fvip", [""])[0]
    nodes = query.get("mn", [""])[0].split(",")
    other = next((node for node in nodes if _NODE.fullmatch(node) and f"---{node}." not in parts.netloc), None)
    if other is None or not _MACHINE.fullmatch(machine):
        return None
    return parts._replace(netloc=f"rr{machine}---{other}.googlevideo.com").geturl()
