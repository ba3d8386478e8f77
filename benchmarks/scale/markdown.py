"""Markdown as the pages have it: tables, and lines of one width. Knows no figure."""

import re
import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 120


def wrapped(markdown: str) -> str:
    """Paragraphs and items of lists in lines of one width; tables and headings as they are."""
    blocks = []
    for block in markdown.strip().split("\n\n"):
        if block.startswith(("#", "|", "!")):
            blocks.append(block)
            continue
        items = re.split(r"\n(?=- |\d+\. )", block)
        blocks.append("\n".join(_wrapped_item(" ".join(item.split())) for item in items))
    return "\n\n".join(blocks) + "\n"


def _wrapped_item(item: str) -> str:
    mark = re.match(r"- |\d+\. |", item)
    assert mark is not None  # noqa: S101  # it matches the empty text
    indent = " " * len(mark[0])
    return textwrap.fill(
        item, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
