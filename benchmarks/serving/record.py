"""Visits as lines of JSON, written as they end: a broken run goes on where it was."""

import json
import time
from pathlib import Path
from typing import Any

Figures = dict[str, Any]


class OtherRun(Exception):
    """The record to go on with is of another model or plan."""


class Record:
    """The first line says of what the visits are, each further line is one visit."""

    def __init__(self, path: Path, subject: Figures, *, resume: bool) -> None:
        """Without ``resume``, an older record is put aside, never overwritten.

        Raises:
            OtherRun: ``subject`` is not that of the record to resume.
        """
        self._path = path
        self._visits: list[Figures] = []
        subject = json.loads(json.dumps(subject))  # as it is read back: lists for tuples
        if path.exists() and resume:
            self._load(subject)
            return
        if path.exists():
            path.rename(path.with_name(f"{path.stem}-{time.time_ns()}{path.suffix}"))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._append(subject)

    def is_done(self, name: str, round_number: int) -> bool:
        return any(visit["round"] == round_number for visit in self._visits_of(name))

    def add(self, name: str, round_number: int, figures: Figures) -> None:
        visit = {"name": name, "round": round_number, "figures": figures}
        self._visits.append(visit)
        self._append(visit)

    def add_failure(self, name: str, round_number: int, reason: str) -> None:
        """Kept for readers of the file; the visit is not done."""
        self._append({"name": name, "round": round_number, "failed": reason})

    def figures_of(self, name: str) -> list[Figures]:
        return [visit["figures"] for visit in self._visits_of(name)]

    def _visits_of(self, name: str) -> list[Figures]:
        return [visit for visit in self._visits if visit["name"] == name]

    def _load(self, subject: Figures) -> None:
        lines = self._path.read_text().splitlines(keepends=True)
        found = json.loads(lines[0])
        if found != subject:
            raise OtherRun(f"{self._path} is of {found}, not of {subject}")
        whole = [line for line in lines[1:] if line.endswith("\n")]  # the last may be cut off
        visits = map(json.loads, whole)
        self._visits = [visit for visit in visits if "figures" in visit]
        if len(whole) < len(lines) - 1:
            self._path.write_text("".join([lines[0], *whole]))

    def _append(self, line: Figures) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
