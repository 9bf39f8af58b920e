"""The page a person sees when a link cannot be served, in both languages."""

import base64
import hashlib
from html import escape
from typing import Final

from msgspec import Struct

from shared.problems import CATALOGUE, ProblemError

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; }
body { max-width: 36rem; margin: 20vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; }
p { margin: .25rem 0; }
small { opacity: .65; }
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} {title_zh}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<h1 lang="zh-CN">{title_zh}</h1>
{detail}{retry}<p><small>{status} {code}</small></p>
</body>
</html>
"""


class Page(Struct, frozen=True):
    """Body and the headers that keep it harmless."""

    body: str
    headers: dict[str, str]


def render_page(problem: ProblemError) -> Page:
    """Everything that goes in is escaped, and the page may load nothing."""
    kind = CATALOGUE[problem.code]
    detail = "" if problem.detail == kind.title else f"<p>{escape(problem.detail)}</p>\n"
    retry = "" if problem.retry_after is None else _retry(problem.retry_after)
    body = _PAGE.format(
        title=escape(kind.title),
        title_zh=escape(kind.title_zh),
        style=_STYLE,
        detail=detail,
        retry=retry,
        status=kind.status,
        code=escape(problem.code),
    )
    policy = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return Page(body, {"Content-Security-Policy": policy, "Vary": "Accept"})


def _retry(seconds: int) -> str:
    return f'<p>Try again in {seconds} s. <span lang="zh-CN">请在 {seconds} 秒后重试。</span></p>\n'
