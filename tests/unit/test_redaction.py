"""No planted secret survives, wherever and however it is written."""

import base64
import json
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redaction import HIDDEN, Redactor, redactor
from shared.settings import Settings

PLAIN = Redactor()
TOKEN_CHARACTERS = string.ascii_letters + string.digits + "-_"
tokens = st.text(TOKEN_CHARACTERS, min_size=8, max_size=60).map(lambda text: f"Zq{text}qZ")
awkward = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs", "Zs", "Cc"]), min_size=6, max_size=30
)


@pytest.mark.parametrize(
    "template",
    [
        "connecting to http://user:{}@proxy.example:3128",
        "socks5h://user:{}@[2001:db8::1]:1080 refused",
        "http://{}@proxy.example/ failed",
        "access_key={}",
        '{{"access_key": "{}"}}',
        "ACCESS_KEY: {}",
        "secret-key={}",
        "Authorization: Bearer {}",
        "authorization: bearer {}",
        "{{'authorization': 'Bearer {}'}}",
        "[(b'authorization', b'Bearer {}')]",
        "Proxy-Authorization: Basic {}",
        "Cookie: a=b; sluice_session={}; c=d",
        "set-cookie: sluice_session={}; Path=/",
        "{{'Set-Cookie': 'sluice_session={}; Path=/'}}",
        "GET /v1/stream/dQw4w9WgXcQ/137?expires=1800000000&signature={} HTTP/1.1",
        "GET /v1/stream/dQw4w9WgXcQ/137?signature={}&expires=1800000000",
        "https://www.youtube.com/watch?v=x&pot={}&c=WEB",
        "https%3A%2F%2Fwww.youtube.com%2Fapi%3Fpot%3D{}%26c%3DWEB",
        '{{"poToken": "{}"}}',
        '{{\\"poToken\\":\\"{}\\"}}',
        "po_token={}",
        "Retrieved a token: poToken={}",
        "https://rr3---sn-4g5e6nzz.googlevideo.com/videoplayback?expire=1&ip=203.0.113.4&sig={}",
        "https://rr3---sn-4g5e6nzz.googlevideo.com/videoplayback/expire/1/ip/203.0.113.4/sig/{}",
        "https:\\/\\/rr3---sn.googlevideo.com\\/videoplayback?x={}",
        "https://evil.example/?u=https%3A%2F%2Frr3.googlevideo.com%2Fvideoplayback%3Fx%3D{}",
        "<a href='https://rr3.googlevideo.com:443/videoplayback?n={}'>",
        'HTTP Request: GET https://rr3.googlevideo.com/videoplayback?n={} "HTTP/1.1 403 Forbidden"',
        "GET /videoplayback?expire=1&sig={} HTTP/1.1",
        "https://manifest.googlevideo.com/api/manifest/hls_variant/sig/{}/file",
    ],
)
@given(token=tokens)
def test_a_planted_token_never_survives(template: str, token: str) -> None:
    clean = PLAIN.text(template.format(token))
    assert token not in clean
    assert HIDDEN in clean


@given(url=st.sampled_from(["ip=203.0.113.4", "sig=AJfQ", "mn=sn-4g5e"]), before=st.text(max_size=20))
def test_nothing_of_a_media_url_but_its_host_survives(url: str, before: str) -> None:
    clean = PLAIN.text(f"{before} https://rr1.googlevideo.com/videoplayback?expire=1&{url} after")
    assert url not in clean
    assert "googlevideo.com" in clean
    assert clean.endswith(" after")


@given(secret=awkward, before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_known_secret_is_hidden_however_it_is_written(secret: str, before: str, after: str) -> None:
    hide = Redactor([secret])
    for spelling in (secret, quote(secret), quote(secret, safe=""), repr(secret), json.dumps(secret), repr(secret.encode())):
        clean = hide.text(f"{before}|{spelling}|{after}")
        assert spelling.strip("\"'") not in clean.replace(HIDDEN, "")


@given(
    secret=awkward,
    event=st.recursive(
        st.none(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    depth=st.integers(0, 4),
)
def test_at_any_depth(secret: str, event: Any, depth: int) -> None:
    for _ in range(depth):
        event = {"event": event, "list": [f"a {secret} b", (secret,)], secret: 1}
    assert secret not in json.dumps(Redactor([secret]).value(event), ensure_ascii=False).replace(HIDDEN, "")


@pytest.mark.parametrize(
    "name", ["access_key", "Authorization", "Cookie", "set-cookie", "poToken", "po_token", "signature", "key", "password"]
)
def test_a_field_with_such_a_name_is_hidden_whatever_it_holds(name: str) -> None:
    assert PLAIN.value({name: "abc", "other": {"deep": {name: [1, 2]}}}) == {name: HIDDEN, "other": {"deep": {name: HIDDEN}}}


def test_the_secrets_of_the_installation() -> None:
    hide = redactor(
        Settings(
            global_proxy="socks5h://someone:p%40ss-w0rd@proxy.example:1080",
            redis_url="redis://:redis-pass@store.example:6379/0",
            access_key="the access key of ours",
            secret_key="a very secret key",
        )
    )
    plain = "p%40ss-w0rd p@ss-w0rd redis-pass the access key of ours a very secret key"
    text = f"{plain} the%20access%20key%20of%20ours a+very+secret+key c29tZW9uZTpwQHNzLXcwcmQ="
    assert set(hide.text(text).split()) == {HIDDEN}


@pytest.mark.parametrize(
    ("settings", "secret"),
    [
        (Settings(global_proxy="http://an-api-key@proxy.example"), "an-api-key"),
        (Settings(global_proxy="http://an-api-key:@proxy.example"), base64.b64encode(b"an-api-key:").decode()),
        (Settings(redis_url="redis://store.example/0?password=in%20a%20parameter"), "in a parameter"),
        (Settings(pot_provider_url="http://user:pr%40vider-pass@tokens.example"), "pr@vider-pass"),
        (
            Settings(pot_provider_url="http://user:pr%40vider-pass@tokens.example"),
            base64.b64encode(b"user:pr%40vider-pass").decode(),
        ),
    ],
)
def test_wherever_a_setting_holds_a_secret(settings: Settings, secret: str) -> None:
    assert secret not in redactor(settings).text(f"cannot use {secret} here")


def test_a_sentinel_url() -> None:
    options = "sentinel_password=its+own"
    hide = redactor(Settings(redis_url=f"redis+sentinel://:sentinel-pass@a:26379,b:26379/main?{options}"))
    assert hide.text("refused: its own") == f"refused: {HIDDEN}"
    assert "sentinel-pass" not in hide.text("cannot use sentinel-pass")


@pytest.mark.parametrize(
    "text",
    [
        "request",
        "GET /v1/status/{task_id}",
        "the sign of a spot: potato=1, design: blue, keyboard: us",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
        "rr3---sn-4g5e6nzz.googlevideo.com did not answer",
        "redis://127.0.0.1:6379/0",
        "mail to someone@example.org",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert PLAIN.text(text) == text


def test_numbers_and_nothing_stay() -> None:
    event = {"status": 200, "seconds": 0.1, "is_complete": True, "route": None}
    assert PLAIN.value(event) == event


def test_an_object_becomes_text_before_it_is_looked_at() -> None:
    assert "tok" not in str(PLAIN.value({"error": ValueError("pot=tokentokentok")})).replace(HIDDEN, "")
