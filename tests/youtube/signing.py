"""The secrets of the stand-in: how a media URL is signed, and what a player must do to its two challenges.

player.js carries `cipher` and `rewritten` again in JavaScript; the two must agree.
"""

import base64
import hashlib
import hmac

_KEY = b"the stand-in's key, of no value to anyone"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SIGNED = ("expire", "ei", "ip", "id", "itag", "source", "requiressl", "mime", "clen", "dur", "lmt", "c", "mt", "xtags")
DROPPED = 3
"""Characters the cipher drops from the front."""
SHIFT = 13
"""How far each further character of `n` moves in the alphabet."""


def signature(query: dict[str, str]) -> str:
    """The `sig` of a URL with these parameters."""
    named = "&".join(f"{name}={query.get(name, '')}" for name in SIGNED)
    return base64.urlsafe_b64encode(hmac.digest(_KEY, named.encode(), "sha512")).decode().rstrip("=")


def enciphered(sig: str) -> str:
    """What a player has to turn back into the signature by `cipher`."""
    swapped = _swapped(sig)
    return "xyz"[:DROPPED] + swapped[::-1]


def cipher(s: str) -> str:
    """Drops, reverses, swaps: a cipher may only move and drop characters, since yt-dlp asks for it once per length."""
    return _swapped(s[DROPPED:][::-1])


def _swapped(text: str) -> str:
    characters = list(text)
    other = len(characters) // 2
    characters[0], characters[other] = characters[other], characters[0]
    return "".join(characters)


def challenge(query: dict[str, str]) -> str:
    """The `n` of a URL as it is handed out."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"n {signature(query)}".encode()).digest()).decode()[:17]


def rewritten(n: str) -> str:
    """The `n` that googlevideo accepts; never ends in its challenge, which yt-dlp would take for a failure."""
    return "".join(ALPHABET[(ALPHABET.index(character) + SHIFT * (place + 1)) % 64] for place, character in enumerate(reversed(n)))
