"""HTML and JavaScript of www.youtube.com and m.youtube.com, as far as anyone reads it."""

import html
import json
from typing import Any

from .catalogue import Video
from .innertube import next_response, player_response, visitor_data
from .player import PLAYER_ID, PLAYER_PATH, SIGNATURE_TIMESTAMP

_VERSIONS = {
    "WEB": "2.20260708.00.00",
    "MWEB": "2.20260708.05.00",
    "WEB_REMIX": "1.20260707.12.00",
    "WEB_EMBEDDED_PLAYER": "2.20260708.00.00",
    "TVHTML5": "7.20260707.07.00",
}
_NUMBERS = {"WEB": 1, "MWEB": 2, "WEB_REMIX": 67, "WEB_EMBEDDED_PLAYER": 56, "TVHTML5": 7}


def watch_page(video: Video, exit_address: str) -> str:
    """The page of a video, with the WEB client's player response in it."""
    response = player_response(video, client="WEB", exit_address=exit_address)
    image = f"https://i.ytimg.com/vi/{video.video_id}/maxresdefault.jpg"
    return _page(
        video.title,
        _ytcfg("WEB", video),
        f"var ytInitialPlayerResponse = {_script(response)};",
        f"var ytInitialData = {_script(next_response(video))};",
        head=f'<meta property="og:image" content="{image}">',
    )


def home_page(client: str = "WEB") -> str:
    """The page without a video: the configuration of a client."""
    return _page("YouTube", _ytcfg(client, None))


def iframe_api() -> str:
    """The script that embedding pages load; it names the player."""
    path = f"https:\\/\\/www.youtube.com\\/s\\/player\\/{PLAYER_ID}\\/www-widgetapi.vflset\\/www-widgetapi.js"
    return f"var scriptUrl = '{path}';"


def _ytcfg(client: str, video: Video | None) -> str:
    context = {
        "client": {
            "hl": "en",
            "gl": "US",
            "clientName": client,
            "clientVersion": _VERSIONS[client],
            "visitorData": visitor_data(video),
        }
    }
    config = {
        "EVENT_ID": "ev-stand-in-01",
        "INNERTUBE_API_KEY": "stand-in-key",
        "INNERTUBE_CLIENT_NAME": client,
        "INNERTUBE_CLIENT_VERSION": _VERSIONS[client],
        "INNERTUBE_CONTEXT": context,
        "INNERTUBE_CONTEXT_CLIENT_NAME": _NUMBERS[client],
        "PLAYER_JS_URL": PLAYER_PATH,
        "STS": SIGNATURE_TIMESTAMP,
        "VISITOR_DATA": visitor_data(video),
        "WEB_PLAYER_CONTEXT_CONFIGS": {
            "WEB_PLAYER_CONTEXT_CONFIG_ID_KEVLAR_WATCH": {"jsUrl": PLAYER_PATH, "serializedExperimentFlags": "a=b"}
        },
    }
    return f"ytcfg.set({_script(config)});"


def _page(title: str, *scripts: str, head: str = "") -> str:
    body = "".join(f"<script>{script}</script>" for script in scripts)
    return f"<!DOCTYPE html><html><head><title>{html.escape(title)}</title>{head}</head><body>{body}</body></html>"


def _script(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value).replace("</", "<\\/")
