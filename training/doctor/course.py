"""The course of a run up to one of its ticks: what a disease is recognised by."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean as mean
from typing import Any

from training.config import TrainConfig
from training.systems import load_system

WINDOW = 3  # ticks: one alone may be an accident
RISEN = 1.2  # times what it was when the run was half as old: still learning, whatever the level

CHOOSING = ("pair_error_a2b", "frechet_distance")  # best weights; of a translator, of the others
LARGEST = 1e100  # whatever is beyond it is as good as infinite

Record = dict[str, Any]


@dataclass(frozen=True)
class Course:
    """Records of a run, none of them later than the tick that is judged.

    Whatever a record lacks, or holds as something else than a finite number, is missing: runs of
    earlier versions have fewer signals.
    """

    config: TrainConfig
    records: Sequence[Record]

    def until(self, tick: int) -> "Course":
        """The course as it was known at tick ``tick``."""
        return Course(self.config, self.records[: tick + 1])

    @property
    def kimg(self) -> float:
        return kimg_of(self.records[-1])

    @property
    def generator_steps(self) -> float:
        config = self.config
        shown: int = self.records[-1]["images_shown"]
        return shown / config.images_per_step * config.generator_steps

    @cached_property
    def is_conditional(self) -> bool:
        return load_system(self.config.system).is_conditional

    @cached_property
    def is_translator(self) -> bool:
        return load_system(self.config.system).kind == "translator"

    def last(self, name: str) -> list[float] | None:
        """A signal at each of the last ``WINDOW`` ticks; None if any of them lacks it."""
        return _complete([number(record, name) for record in self.records[-WINDOW:]])

    def last_ratios(self, name: str, reference: str) -> list[float] | None:
        """One signal relative to another at each of the last ``WINDOW`` ticks, as ``last``."""
        return _complete([ratio(record, name, reference) for record in self.records[-WINDOW:]])

    def largest(self, name: str) -> float | None:
        """The largest value of a signal so far."""
        return max((value for _, value in self.points(name)), default=None)

    def has_risen(self, name: str, reference: str) -> bool:
        """Whether one signal relative to another grew by a fifth since half as many images."""
        half = self.records[-1]["images_shown"] / 2
        earlier = [record for record in self.records if record["images_shown"] <= half]
        before, now = (
            [ratio(record, name, reference) for record in records[-WINDOW:]]
            for records in (earlier, self.records)
        )
        then, today = _known(before), _known(now)
        return bool(then and today) and mean(today) > RISEN * mean(then)

    def points(self, name: str) -> list[tuple[float, float]]:
        """(kimg, value) of a signal wherever there is one."""
        return _points([(record, number(record, name)) for record in self.records])

    def metric(self, name: str) -> list[tuple[float, float]]:
        """(kimg, value) of a metric wherever it was measured."""
        measured = [record for record in self.records if isinstance(record.get("metrics"), dict)]
        return _points([(record, number(record["metrics"], name)) for record in measured])

    def distances(self) -> tuple[str, list[tuple[float, float]]]:
        """The metric that chooses the best weights: its name and (kimg, value), lower is better."""
        name = next((name for name in CHOOSING if self.metric(name)), CHOOSING[-1])
        return name, self.metric(name)


def kimg_of(record: Record) -> float:
    """Thousands of real images shown until then."""
    kimg: float = record["images_shown"] / 1000
    return kimg


def number(record: Record, name: str) -> float | None:
    """A finite number of that name, or None."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) <= LARGEST else None


def ratio(record: Record, name: str, reference: str) -> float | None:
    value, by = number(record, name), number(record, reference)
    return None if value is None or not by else value / by


def _complete(values: Sequence[float | None]) -> list[float] | None:
    known = _known(values)
    return known if len(known) == len(values) == WINDOW else None


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _points(values: Sequence[tuple[Record, float | None]]) -> list[tuple[float, float]]:
    return [(kimg_of(record), value) for record, value in values if value is not None]
