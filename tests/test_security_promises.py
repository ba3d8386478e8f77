"""SECURITY.md names tests and settings that there are; what it says of all code is true of it."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from app.access.key_file import KeyEntry
from app.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\n]+)`", PAGE))
PROMISES = re.findall(r"^\| ([^|]+\.) \| ([^|]+) \|$", PAGE, re.MULTILINE)

CLIENTS = {
    "aiohttp", "ftplib", "http.client", "httpx", "requests", "smtplib", "subprocess",
    "urllib.request",
}  # fmt: skip
ASKS_A_SERVICE = ROOT / "app" / "benching"  # the command `ganserve bench`, which no request reaches
TRIES_MODELS_OUT = ("app/trials.py", "subprocess")  # this interpreter, on files of the folder


def modules_of(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file, ast.parse(file.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_test_that_is_named_exists() -> None:
    named = {name for name in NAMED if name.startswith("tests/") and name != "tests/"}
    assert len(named) > 15
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_every_promise_names_the_tests_that_hold_it() -> None:
    assert len(PROMISES) > 15
    for promise, held_by in PROMISES:
        assert re.fullmatch(r"`tests/\S+\.py`(, `tests/\S+\.py`)*", held_by), promise


def test_every_setting_that_is_named_exists() -> None:
    named = {name for name in NAMED if re.fullmatch(r"[a-z]+(_[a-z]+)+", name)}
    assert len(named) > 6
    assert named - Settings.model_fields.keys() - KeyEntry.model_fields.keys() == set()


def test_the_version_that_is_mended_is_this_one() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"| the newest of {version.rpartition('.')[0]} | yes |" in PAGE


def test_nobody_is_invented_to_report_to() -> None:
    assert not re.search(r"\S+@\S+\.\w+|https?://", PAGE)


def test_the_service_has_no_client_and_starts_nothing_but_itself() -> None:
    found = {
        (str(file.relative_to(ROOT)), name)
        for file, tree in modules_of("app", "contract")
        if not file.is_relative_to(ASKS_A_SERVICE)
        for name in imported(tree) & CLIENTS
    }
    assert found == {TRIES_MODELS_OUT}
