"""The only module that knows Redis: its keys, and the transitions between states, each one script."""

from shared.store.connection import connect, connect_blocking
from shared.store.store import RESERVED_REFRESHES, Claim, Lane, Rate, Store, Submission, WakeUp, open_store
from shared.store.trail import Trail

__all__ = [
    "RESERVED_REFRESHES",
    "Claim",
    "Lane",
    "Rate",
    "Store",
    "Submission",
    "Trail",
    "WakeUp",
    "connect",
    "connect_blocking",
    "open_store",
]
