"""The only module that opens connections that leave the system: through one proxy, to anchored hosts, for bounded ranges."""

from shared.upstream.client import MAX_RANGE, AssetAnswer, Patience, RangeAnswer, Upstream, open_upstream
from shared.upstream.errors import Reason, UpstreamError

__all__ = ["MAX_RANGE", "AssetAnswer", "Patience", "RangeAnswer", "Reason", "Upstream", "UpstreamError", "open_upstream"]
