"""Every command block of README and docs/ is run as readers would run it, or says why not.

A block of sh or python runs against a server of the shipped models, in one folder for each page, in
the order of the page. ``<!-- test: WHY -->`` on the line before it keeps it from being run; lines
of gantrain in such a block are still read by its own parser.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.settings import Settings
from tests.live_server import LiveServer, live_server
from tests.toy_images import file_of, noise
from training.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")])
REASONS = {"gpu", "slow", "docker", "network", "cluster"}
FILES = {"grey.jpg": lambda: file_of(noise(60, 80), "JPEG")}  # that readers have of their own
BLOCK = re.compile(
    r"(?:^<!-- test: (?P<reason>[a-z]+) -->\n)?^```(?P<language>sh|python)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
SERVER = re.compile(r"(http://)?(localhost|127\.0\.0\.1):8000")
LIMIT_S = 120


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    reason: str | None  # why it is not run


def blocks(page: Path) -> list[Block]:
    matches = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(each["language"], each["text"], each["reason"]) for each in matches]


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    with live_server(Settings(models=ROOT / "models", device="cpu")) as running:
        yield running


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.reason is None for block in blocks(page))],
    ids=lambda page: page.name,
)
def test_the_commands_of_a_page_work(page: Path, server: LiveServer, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        assert os.environ.get("CI") != "1", "no curl on this machine"
        pytest.skip("no curl on this machine")
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content())
    for block in blocks(page):
        if block.reason is None:
            run(block, server.url, tmp_path)
    for name in re.findall(r"-o (\S+)", "".join(b.text for b in blocks(page) if not b.reason)):
        made = tmp_path / name
        assert made.stat().st_size, f"{name} is empty"
        if made.suffix in (".png", ".webp", ".jpg", ".zip"):
            assert made.read_bytes()[:1] in b"\x89R\xffP", (
                f"{name} holds {made.read_bytes()[:200]!r}"
            )


def run(block: Block, url: str, folder: Path) -> None:
    host = url.removeprefix("http://")
    text = SERVER.sub(lambda found: f"{found[1] or ''}{host}", block.text)
    command = {
        "sh": ["bash", "-euo", "pipefail", "-c", text.replace("curl ", "curl --fail-with-body ")],
        "python": [sys.executable, "-c", text],
    }[block.language]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}"


def test_a_block_that_is_not_run_says_why_in_words_that_are_known() -> None:
    given = {block.reason for page in PAGES for block in blocks(page)} - {None}
    assert given <= REASONS


def test_a_mark_stands_before_a_block() -> None:
    for page in PAGES:
        num_marks = page.read_text(encoding="utf-8").count("<!-- test:")
        assert num_marks == sum(block.reason is not None for block in blocks(page)), page.name


@pytest.mark.parametrize(
    "line",
    [
        line
        for page in PAGES
        for block in blocks(page)
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.startswith("gantrain ")
    ],
)
def test_gantrain_reads_the_line(line: str) -> None:
    program, *arguments = shlex.split(line.replace("$small", "--batch-size 32"), comments=True)
    assert build_parser().parse_args(arguments)
