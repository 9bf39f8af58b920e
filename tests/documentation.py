"""The documentation as data: its pages, and what is in them; and the videos that its examples and pictures show."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.stack import ROOT
from tests.youtube import ORDINARY, Caption, Track, YouTube, itags

DOCS: Final = ROOT / "docs"
IMAGES: Final = DOCS / "images"
CHINESE: Final = ".zh-CN.md"
_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_HEADING: Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"")
_CODE: Final = re.compile(r"`[^`]*`")
_NOT_IN_ANCHORS: Final = re.compile(r"[^\w\- ]")


class Line(Struct, frozen=True):
    """One command of a shell, and what is said of it behind it."""

    command: str
    comment: str


class Block(Struct, frozen=True):
    """Fenced code."""

    language: str
    text: str

    @property
    def lines(self) -> list[Line]:
        """Of a shell's block the commands, each on one line. In one with prompts (`$ `) the other lines are output."""
        lines = self.text.replace("\\\n", " ").splitlines()
        prompted = [line[2:] for line in lines if line.startswith("$ ")]
        split = [(without_comment(line), line) for line in prompted or lines]
        return [Line(" ".join(bare.split()), line[len(bare) :].strip()) for bare, line in split if bare.strip()]


class Page(Struct, frozen=True):
    """One Markdown file."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        """From the root of the repository."""
        return str(self.path.relative_to(ROOT))

    @property
    def blocks(self) -> list[Block]:
        """In order."""
        return [Block(language, text) for _, language, text in _FENCE.findall(self.text)]

    @property
    def prose(self) -> str:
        """Without fenced code."""
        return _FENCE.sub("", self.text)

    @property
    def headings(self) -> list[tuple[int, str]]:
        """Level and text of each."""
        return [(len(marks), text) for marks, text in _HEADING.findall(self.prose)]

    @property
    def anchors(self) -> set[str]:
        """What can follow `#` in a link, as GitHub makes it of headings."""
        return {_NOT_IN_ANCHORS.sub("", text.lower()).replace(" ", "-") for _, text in self.headings}

    @property
    def links(self) -> list[str]:
        """Every target, of links and of pictures."""
        return [link or picture for link, picture in _LINK.findall(_CODE.sub("``", self.prose))]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of every row of every table, heads left out."""
        lines = self.prose.splitlines()
        tables = [line for line, after in zip(lines, [*lines[1:], ""], strict=True) if line.startswith("|") and "|---" not in after]
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in tables if "|---" not in line]

    @property
    def is_chinese(self) -> bool:
        """By its name."""
        return self.path.name.endswith(CHINESE)

    @property
    def companion(self) -> Path:
        """The same page in the other language."""
        name = self.path.name
        return self.path.with_name(name.replace(CHINESE, ".md") if self.is_chinese else name.replace(".md", CHINESE))


def pages() -> list[Page]:
    """All that is written for people who use, run or change the system."""
    found = [*DOCS.glob("*.md"), *(path for name in ("README", "CONTRIBUTING", "SECURITY") for path in ROOT.glob(f"{name}*.md"))]
    return list(map(read, sorted(found)))


def read(path: Path) -> Page:
    """One page."""
    return Page(path, path.read_text(encoding="utf-8"))


def names(cell: str) -> list[str]:
    """The code in a cell of a table."""
    return re.findall(r"`([^`]+)`", cell)


def without_comment(line: str) -> str:
    """A shell's line; `#` within a word or quotes begins no comment."""
    return re.sub(r"(^|\s+)#(\s[^'\"]*|\s.*)$", "", line)


EXAMPLE: Final = "aqz-KE-bpKQ"
"""Big Buck Bunny: everybody may save it, and the doctor looks at it as well."""

PICTURED: Final = "in-pictures"
_SECONDS: Final = 635
_BITS_PER_PIXEL: Final = 0.03
_TRACKS: Final = (Track(audio_id="en.4", name="English original", is_original=True), Track(audio_id="de.3", name="German"))
_CAPTIONS: Final = (Caption(language="en", name="English"), Caption(language="zh", name="中文"))


def show_example(youtube: YouTube) -> None:
    """The stand-in has the video of which the examples speak."""
    youtube.edit(
        ORDINARY,
        video_id=EXAMPLE,
        title="Big Buck Bunny",
        author="Blender",
        itags=itags.EVERY,
        captions=_CAPTIONS,
    )


def show_pictured(youtube: YouTube) -> None:
    """The stand-in has a video with files as large as real ones."""
    youtube.edit(
        ORDINARY,
        video_id=PICTURED,
        title="A test picture, in every format",
        author="The stand-in",
        duration=_SECONDS,
        itags=itags.EVERY,
        tracks=_TRACKS,
        captions=_CAPTIONS,
        sizes={itag: _realistic_size(itag) for itag in itags.EVERY},
    )


def _realistic_size(itag: int) -> int:
    kind = itags.ITAGS[itag]
    picture = kind.width * kind.height * kind.fps * _BITS_PER_PIXEL
    return round(_SECONDS * (picture + 1000 * kind.audio_kbps) / 8)
