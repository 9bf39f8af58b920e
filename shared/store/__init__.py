"""The only module that knows Redis: its keys, and the transitions between states, each one script."""

from shared.store.answers import LANES, Claim, Lane, Overview, Rate, Submission, Waiting, WakeUp
from shared.store.connection import connect, connect_blocking
from shared.store.store import RESERVED_REFRESHES, Store, open_store
from shared.store.trail import Trail

__all__ = [
    "LANES",
    "RESERVED_REFRESHES",
    "Claim",
    "Lane",
    "Overview",
    "Rate",
    "Store",
    "Submission",
    "Trail",
    "Waiting",
    "WakeUp",
    "connect",
    "connect_blocking",
    "open_store",
]
