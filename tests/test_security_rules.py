"""Ruff's security rules hold everywhere; where one does not apply, its line says why."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LINT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
FOLDERS = ("app", "benchmarks", "contract", "docs", "tests", "training")
EXCEPTION = re.compile(r"# noqa: (?P<rules>(?:[A-Z]+\d+, ?)*S\d+(?:, ?[A-Z]+\d+)*)(?P<reason>.*)$")
EXCUSED = re.compile(r"  # \S.{5,}$")


def exceptions(folder: str) -> list[tuple[str, re.Match[str]]]:
    """Where a security rule is switched off on its line, in a folder."""
    return [
        (f"{file.relative_to(ROOT)}:{number}", found)
        for file in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if (found := EXCEPTION.search(line))
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_security_rule_that_is_switched_off_says_why(folder: str) -> None:
    silent = [place for place, found in exceptions(folder) if not EXCUSED.match(found["reason"])]
    assert silent == []


def test_the_rules_are_on_and_switched_off_as_a_whole_for_tests_alone() -> None:
    assert "S" in LINT["select"]
    assert "ignore" not in LINT
    switched_off = {
        pattern
        for pattern, rules in LINT["per-file-ignores"].items()
        if any(re.fullmatch(r"S\d*", rule) for rule in rules)
    }
    assert switched_off == {"tests/**"}


def test_the_service_and_the_contract_hold_no_assert() -> None:
    """Python drops them with -O, and whoever reads a promise must not find it gone."""
    waived = {place for folder in ("app", "contract") for place, found in exceptions(folder)
              if "S101" in found["rules"]}  # fmt: skip
    assert waived == set()
