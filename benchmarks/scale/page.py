"""The page that readers see, made from the results alone."""

from pathlib import Path

from benchmarks.scale import words
from benchmarks.scale.figures import Row
from benchmarks.scale.markdown import wrapped
from benchmarks.scale.measured_sections import core, costs_of_images, introduction, trust
from benchmarks.scale.simulated_sections import cdn, loads, routing, rushes, scales

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scale.md"
SECTIONS = (introduction, core, costs_of_images, trust, loads, routing, scales, cdn, rushes)


def text(record: Row) -> str:
    return wrapped("".join(section(record) for section in SECTIONS) + words.UNKNOWN)


def write(record: Row) -> None:
    PAGE.write_text(text(record), encoding="utf-8")
