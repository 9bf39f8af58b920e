"""A story of failures of every kind, with secrets of the operator and of YouTube planted everywhere; and all that got out."""

import base64
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlsplit

import httpx
import redis

from tests.stack import FUNCTIONS, ROOT, Stack, running_stack
from tests.token_service import GOOGLE, Service, WithChallenge, serving
from tests.valkey import Valkey
from tests.youtube import Answer, BadCertificate, Fault, Redirect, Reset, Status, YouTube, catalogue
from tests.youtube.faults import Occasion

ACCESS_KEY: Final = "QZaccess key: of/ours & more"
SECRET_KEY: Final = "QZsecret%key+that=signs"
PROXY: Final = ("QZproxyuser", "QZproxy@pass/100%")
STORE: Final = "QZstore#pass&word?"
PROVIDER: Final = ("QZprovideruser", "QZprovider:pass@ü")
COOKIE: Final = "QZcookie-of-youtube"
PLANTED: Final = "QZsignature-in-a-broken-record"
ADDRESS: Final = "203.0.113.77"
PATIENCE: Final = 60


def spellings(secret: str, user: str = "") -> set[str]:
    """Every form in which a secret of a setting might be written."""
    quoted = quote(secret, safe="")
    headers = {f"{user}:{form}".encode() for form in (secret, quoted)}
    plain = {secret, quoted, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret.encode())[2:-1]}
    return plain | {base64.b64encode(form).decode() for form in headers} | {base64.b64encode(secret.encode()).decode()}


OPERATORS: Final = {
    "ACCESS_KEY": spellings(ACCESS_KEY),
    "SECRET_KEY": spellings(SECRET_KEY),
    "GLOBAL_PROXY": spellings(PROXY[1], PROXY[0]),
    "REDIS_URL": spellings(STORE),
    "POT_PROVIDER_URL": spellings(PROVIDER[1], PROVIDER[0]),
}


class PlantedCookie:
    """YouTube asks to be told something again."""

    def change(self, answer: Answer, occasion: Occasion) -> None:
        answer.headers["Set-Cookie"] = f"VISITOR_INFO1_LIVE={COOKIE}; Domain=.youtube.com; Path=/; Secure"


@dataclass
class Found:
    """Everything that got out, by where it was found."""

    places: dict[str, str] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    """What the store holds, by key."""
    answers: list[str] = field(default_factory=list)
    commands: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    upstream: dict[str, set[str]] = field(default_factory=dict)
    """What YouTube handed out, by kind."""

    def hear(self, answer: httpx.Response) -> None:
        answer.read()
        self.answers.append(f"{answer.url}\n{answer.status_code}\n{answer.headers.raw!r}\n{answer.content[:1_000_000]!r}")
        if "problem+json" in answer.headers.get("content-type", ""):
            self.codes.add(answer.json()["code"])

    def watch(self, over: Event) -> None:
        """The command line of every process that lives for a moment."""
        while not over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.commands.add(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))


@dataclass
class Scene:
    stack: Stack
    youtube: YouTube
    service: Service
    store: redis.Redis
    found: Found
    environment: dict[str, str]

    def analyze(self, video: str, *, refresh: bool = True) -> dict[str, Any]:
        task = self.stack.analyzed(video, refresh=refresh, within=PATIENCE)
        if task["problem"]:
            self.found.codes.add(task["problem"]["code"])
        return task

    def get(self, link: str, **headers: str) -> None:
        with contextlib.suppress(httpx.HTTPError):  # broken off, as it should be
            self.stack.http.get(self.stack.stream_url(urlsplit(link)._replace(scheme="", netloc="").geturl()), headers=headers)

    def doctor(self, *arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "functions.analyze.doctor", "--video", catalogue.QUICK, *arguments],
            cwd=self.stack.folder,
            env=self.environment | {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(self.stack.folder)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return ended.stdout + ended.stderr


@contextlib.contextmanager
def striking(youtube: YouTube, fault: Fault) -> Iterator[None]:
    handle = youtube.fault(fault)
    try:
        yield
    finally:
        handle.remove()


def everything_goes_well(scene: Scene) -> None:
    scene.youtube.fault(Fault("page", PlantedCookie()))
    media = scene.analyze(catalogue.CAPTIONS)["result"]
    for link in (media["thumbnail_url"], media["subtitles"][0]["url"], media["merges"][0]["stream_url"]):
        scene.get(link, Range="bytes=0-99")
    scene.analyze(catalogue.BOT_CHECK_UNTIL_TOKEN)
    scene.found.places["doctor, JSON"] = scene.doctor("--json")
    wrong = {"Authorization": "Bearer QZwrong-key", "Cookie": "sluice_session=QZforged"}
    ask_everybody(scene, "/v1/status/x", **wrong)


def ask_everybody(scene: Scene, path: str, **headers: str) -> None:
    for part in FUNCTIONS:
        scene.stack.http.get(f"{scene.stack.part(part).base}{path}", headers=headers)


def no_tokens_are_made(scene: Scene) -> None:
    httpx.post(f"{scene.service.url}/invalidate_caches", trust_env=False)
    with striking(scene.youtube, Fault("extra", Status(500), host="jnn-pa.googleapis.com")):
        scene.analyze(catalogue.BOT_CHECK)


def youtube_says_no(scene: Scene) -> None:
    for video in (catalogue.PRIVATE, catalogue.BOT_CHECK, catalogue.GEO_BLOCKED):
        scene.analyze(video)


def downloads_fail(scene: Scene) -> None:
    media = scene.analyze(catalogue.QUICK)["result"]
    link = media["formats"]["video_only"][0]["stream_url"]
    for effect in (Status(403), Redirect("foreign"), Reset()):
        with striking(scene.youtube, Fault("media", effect)):
            scene.get(link, Range="bytes=0-99999")


def tls_fails(scene: Scene) -> None:
    scene.youtube.stop_listening()
    scene.youtube.start_listening()
    with striking(scene.youtube, Fault("connect", BadCertificate())):
        scene.analyze(catalogue.CHAPTERS)
        scene.get(f"/v1/stream/{catalogue.QUICK}/140", Authorization=f"Bearer {ACCESS_KEY}")


def the_proxy_refuses(scene: Scene) -> None:
    scene.youtube.stop_listening()
    scene.youtube.start_listening()
    scene.youtube.require_credentials("somebody", "else")
    scene.analyze(catalogue.CHAPTERS)
    scene.get(f"/v1/stream/{catalogue.QUICK}/140", Authorization=f"Bearer {ACCESS_KEY}")
    scene.found.places["doctor, text"] = scene.doctor()
    scene.youtube.require_credentials(*PROXY)


def handlers_crash(scene: Scene) -> None:
    """Records that nobody can read: the exceptions quote what they did not understand."""
    record = json.dumps({"url": f"https://rr1.googlevideo.com/videoplayback?ip={ADDRESS}&sig={PLANTED}"})
    scene.store.hset(f"sources:{catalogue.ORDINARY}", "format:137", record)
    scene.store.hset(f"sources:{catalogue.ORDINARY}", "asset:thumbnail", record[:-1])
    scene.get(f"/v1/stream/{catalogue.ORDINARY}/137", Authorization=f"Bearer {ACCESS_KEY}")
    scene.get(f"/v1/stream/{catalogue.ORDINARY}/thumbnail", Authorization=f"Bearer {ACCESS_KEY}")
    scene.store.set("task:broken", "no hash")
    scene.stack.http.get(f"{scene.stack.part('status').base}/v1/status/broken")
    scene.store.delete("task:broken")


def the_store_refuses(scene: Scene) -> None:
    scene.store.config_set("requirepass", "another password")
    scene.store.client_kill_filter(_type="normal", skipme=True)
    scene.stack.submit(catalogue.CHAPTERS)
    ask_everybody(scene, "/readyz")
    scene.store.config_set("requirepass", STORE)
    scene.stack.until(lambda: scene.stack.submit(catalogue.PRIVATE).status_code, lambda status: status in {200, 202})


CHAPTERS: Final[tuple[Callable[[Scene], None], ...]] = (
    everything_goes_well,
    no_tokens_are_made,
    youtube_says_no,
    downloads_fail,
    tls_fails,
    the_proxy_refuses,
    handlers_crash,
    the_store_refuses,
)


def handed_out(youtube: YouTube) -> dict[str, set[str]]:
    """What would tell of a media URL, of a token or of a visitor."""
    requests = list(youtube.requests)
    return {
        "signatures": {request.query["sig"] for request in requests if "sig" in request.query} | {PLANTED},
        "tokens": {request.po_token for request in requests if request.po_token} - {None},
        "visitors": {"Cgt2aXNpdG9y"},
        "cookies": {COOKIE},
        "addresses": {ADDRESS},
        "media URLs": {"videoplayback?", "videoplayback%3F", "/api/timedtext"},
    }


def dump(store: redis.Redis) -> dict[str, str]:
    """Every key with all it holds, of every type."""
    readers: dict[Any, Callable[[bytes], Any]] = {
        b"string": store.get,
        b"hash": store.hgetall,
        b"list": lambda key: store.lrange(key, 0, -1),
        b"set": store.smembers,
        b"zset": lambda key: store.zrange(key, 0, -1, withscores=True),
        b"stream": store.xrange,
    }
    keys: list[bytes] = list(store.scan_iter(count=1000))
    return {key.decode(): f"{readers[store.type(key)](key)!r} {store.dump(key)!r}" for key in keys}


def tell(folder: Path) -> Found:
    """The whole story, in an empty folder."""
    found = Found()
    with ExitStack() as stack:
        youtube = stack.enter_context(YouTube.running(username=PROXY[0], password=PROXY[1], extras=GOOGLE))
        youtube.exit_address = ADDRESS
        youtube.fault(Fault("page", WithChallenge(), host="www.youtube.com"))
        (folder / "store").mkdir()
        store = Valkey(folder / "store")
        store.start()
        stack.callback(store.stop)
        owner = stack.enter_context(redis.Redis(port=store.port))
        owner.config_set("requirepass", STORE)
        owner.execute_command("AUTH", STORE)
        service = stack.enter_context(serving(SSL_CERT_FILE=str(youtube.ca_file)))
        service.wait()
        environment = {
            "GLOBAL_PROXY": f"http://{PROXY[0]}:{quote(PROXY[1], safe='')}@127.0.0.1:{youtube.port}",
            "REDIS_URL": f"redis://:{quote(STORE, safe='')}@127.0.0.1:{store.port}/0",
            "POT_PROVIDER_URL": service.url.replace("://", f"://{PROVIDER[0]}:{quote(PROVIDER[1], safe='')}@"),
            "ACCESS_KEY": ACCESS_KEY,
            "SECRET_KEY": SECRET_KEY,
            "SSL_CERT_FILE": str(youtube.ca_file),
            "PUBLIC_URL": "https://sluice.example",
            "ANALYSIS_ATTEMPTS": "2",
            "LOG_LEVEL": "debug",
        }
        parts = stack.enter_context(running_stack(store, folder, environment))
        over = Event()
        watcher = Thread(target=found.watch, args=(over,))
        watcher.start()
        stack.callback(watcher.join)
        stack.callback(over.set)
        parts.start("worker", *FUNCTIONS)
        parts.http.event_hooks = {"response": [found.hear]}
        parts.http.headers["Authorization"] = f"Bearer {ACCESS_KEY}"
        scene = Scene(parts, youtube, service, owner, found, environment)
        for chapter in CHAPTERS:
            chapter(scene)
        ask_everybody(scene, "/metrics")
        for part in FUNCTIONS:
            parts.http.get(f"{parts.part(part).base}/v1/{part}/openapi.json")
        for path in ("metrics", "minter_cache", "ping"):
            found.places[f"token service, {path}"] = httpx.get(f"{service.url}/{path}", trust_env=False).text
        parts.close()
        found.upstream = handed_out(youtube)
        found.records = dump(owner)
        found.places["token service, log"] = service.stop()
        found.places |= {process.log.name: process.log.read_text() for process in parts.processes}
    found.places["answers"] = "\n".join(found.answers)
    found.places["command lines"] = "\n".join(found.commands)
    return found
