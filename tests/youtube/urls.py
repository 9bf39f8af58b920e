"""Media URLs, signed as googlevideo's are."""

import time
from dataclasses import dataclass
from urllib.parse import urlencode

from .catalogue import Video
from .media import MediaFile
from .signing import challenge, enciphered, signature

_NODES = ("sn-4g5ednsz", "sn-h0jeener")
CLIENTS_WITHOUT_PLAYER = frozenset({"VISIONOS"})
"""Innertube clients whose URLs come ready to use; the others' are ciphered and carry an `n` challenge."""


@dataclass(frozen=True, slots=True)
class Address:
    """A format's `url`, or for ciphered ones its `signatureCipher`."""

    url: str | None
    signature_cipher: str | None

    def as_json(self) -> dict[str, str]:
        return {"url": self.url} if self.url else {"signatureCipher": self.signature_cipher or ""}


def address(file: MediaFile, video: Video, client: str, exit_address: str) -> Address:
    """Where a client finds a file, for as long as the video says and for this exit address."""
    now = int(time.time())
    query = {
        "expire": str(now + video.lifetimes.get(file.itag, video.expires_in)),
        "ei": f"ei{now:x}",
        "ip": exit_address,
        "id": f"o-{video.video_id}",
        "itag": str(file.itag),
        "source": "youtube",
        "requiressl": "yes",
        "mn": ",".join(_NODES),
        "fvip": "3",
        "mime": file.mime,
        "dur": f"{video.duration}.000",
        "lmt": str(file.lmt),
        "c": client,
        "mt": str(now),
    }
    if file.itag not in video.without_length:
        query["clen"] = str(file.size)
    if file.xtags:
        query["xtags"] = file.xtags
    base = f"https://rr{file.itag % 5 + 1}---{_NODES[0]}.googlevideo.com/videoplayback?"
    if client in CLIENTS_WITHOUT_PLAYER:
        return Address(base + urlencode({**query, "sig": signature(query)}), None)
    url = base + urlencode({**query, "n": challenge(query)})
    return Address(None, urlencode({"s": enciphered(signature(query)), "sp": "sig", "url": url}))
