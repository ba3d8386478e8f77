"""What a disease is: how it shows, how bad it is, and what cures it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from training.doctor.course import Course

Severity = Literal["fatal", "serious", "mild"]
SEVERITIES: dict[Severity, str] = {
    "fatal": "the run will not recover by itself",
    "serious": "its images suffer",
    "mild": "its images may be good all the same",
}
WARM_UP_STEPS = 500  # of the generator; every healthy run looks sick before it has learnt anything


@dataclass(frozen=True)
class Remedy:
    """What to do: a sentence, and the options of ``gantrain train`` that do it."""

    advice: str
    options: Mapping[str, float | str]  # by field of the configuration; none: not for the options


Cure = Callable[[Course], Remedy | None]  # None: not for this run, or tried already


@dataclass(frozen=True)
class Disease:
    """One thing that can go wrong.

    ``symptom`` judges the last tick of a course; it gives a sentence with the numbers, or None if
    all is well. A run without its ``signals``, or without any of its ``metrics`` if those are all
    it has, cannot be judged.
    """

    name: str
    meaning: str
    severity: Severity
    symptom: Callable[[Course], str | None]
    cures: tuple[Cure, ...]  # best first
    signals: tuple[str, ...] = ()  # of every tick
    metrics: tuple[str, ...] = ()  # measured now and then
    warm_up_steps: int = WARM_UP_STEPS
    concerns: Callable[[Course], bool] = lambda course: True  # this kind of run can have it

    def remedies(self, course: Course) -> list[Remedy]:
        return [remedy for cure in self.cures if (remedy := cure(course)) is not None]
