"""README.zh-CN.md says what README.md says: the same commands, figures, pictures and parts."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
SAME = {
    "code blocks": re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL),
    "levels of headings": re.compile(r"^#+(?= )", re.MULTILINE),
    "links and pictures": re.compile(r"\]\(((?!#|README)[^)]+)\)"),
    "lines of tables": re.compile(r"^\|[-|]+\|$", re.MULTILINE),
}
FIGURES = re.compile(r"\d[\d,.]*\d|\d")


@pytest.mark.parametrize("what", SAME)
def test_both_have_the_same(what: str) -> None:
    english, chinese = (SAME[what].findall(page) for page in PAGES)
    assert english == chinese


def test_every_row_of_a_table_has_the_same_figures() -> None:
    english, chinese = (
        [FIGURES.findall(line) for line in page.splitlines() if line.startswith("|")]
        for page in PAGES
    )
    assert english == chinese


def test_the_prose_names_the_same_figures() -> None:
    english, chinese = (
        sorted(FIGURES.findall(re.sub(r"^(```.*?^```|\|.*?)$", "", page, flags=re.M | re.S)))
        for page in PAGES
    )
    assert set(chinese) == set(english)
