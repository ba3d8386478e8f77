"""Looking for every disease: at the last tick while a run trains, or at all ticks afterwards.

A tick is judged by what was known then, so that both ways agree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from training.doctor.catalogue import DISEASES
from training.doctor.course import Course
from training.doctor.disease import WARM_UP_STEPS, Disease, Remedy

GAP = 2  # healthy ticks that do not end a disease


@dataclass(frozen=True)
class Finding:
    """A disease, from when to when, and what showed it last."""

    disease: Disease
    from_kimg: float
    to_kimg: float
    is_current: bool  # at the last tick
    evidence: str
    remedies: tuple[Remedy, ...]


def findings_now(course: Course) -> list[Finding]:
    """The diseases that the last tick shows, causes first."""
    findings = []
    for disease in DISEASES:
        if evidence := _symptom(disease, course):
            remedies = tuple(disease.remedies(course))
            findings.append(Finding(disease, course.kimg, course.kimg, True, evidence, remedies))
    return findings


def findings_ever(course: Course) -> list[Finding]:
    """The diseases that any tick showed, each with the last time it was there, causes first."""
    ticks = [course.until(tick) for tick in range(len(course.records))]
    findings = (_last_spell(disease, ticks) for disease in DISEASES)
    return [finding for finding in findings if finding is not None]


def can_judge(course: Course) -> bool:
    """Whether the run is old enough for a verdict that it is healthy."""
    return bool(course.records) and course.generator_steps >= WARM_UP_STEPS


def not_looked_for(course: Course) -> list[Disease]:
    """Diseases whose signals or metrics no record has."""
    return [
        disease
        for disease in DISEASES
        if disease.concerns(course) and not _can_show(disease, course)
    ]


def _last_spell(disease: Disease, ticks: Sequence[Course]) -> Finding | None:
    """The last time that the disease was there: until its last tick, from where it began, be it
    before the warm-up was over."""
    last = next((i for i in reversed(range(len(ticks))) if _symptom(disease, ticks[i])), None)
    if last is None:
        return None
    first = last
    for tick in reversed(range(last)):
        if first - tick > GAP + 1:
            break
        if disease.symptom(ticks[tick]):
            first = tick
    return Finding(
        disease=disease,
        from_kimg=ticks[first].kimg,
        to_kimg=ticks[last].kimg,
        is_current=last == len(ticks) - 1,
        evidence=disease.symptom(ticks[last]) or "",
        remedies=tuple(disease.remedies(ticks[last])),
    )


def _symptom(disease: Disease, course: Course) -> str | None:
    if course.generator_steps < disease.warm_up_steps or not disease.concerns(course):
        return None
    return disease.symptom(course)


def _can_show(disease: Disease, course: Course) -> bool:
    if disease.signals:
        return all(course.points(name) for name in disease.signals)
    return not disease.metrics or any(course.metric(name) for name in disease.metrics)
