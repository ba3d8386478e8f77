"""What the doctor says: one line while a run trains, a few sentences when asked afterwards."""

from collections.abc import Sequence

from training.doctor.command_line import as_options, command_line
from training.doctor.course import Course, number, ratio
from training.doctor.diagnosis import Finding, can_judge, not_looked_for
from training.doctor.disease import SEVERITIES, WARM_UP_STEPS, Remedy
from training.doctor.reading import Patient

HEALTHY = "healthy"


def verdict_line(findings: Sequence[Finding], before: Sequence[str]) -> str | None:
    """What a tick says: the first disease and its remedy, or that there is none any more; None if
    there was none before either.

    Args:
        before: names of the diseases that the tick before it found.
    """
    if not findings:
        return f"{HEALTHY} again: no more {', '.join(before)}" if before else None
    first, *others = findings
    line = f"{first.disease.name}: {first.evidence}"
    if first.remedies:
        line += f"; to try: {_options_or_advice(first.remedies[0])}"
    if others:
        line += f" (also: {', '.join(each.disease.name for each in others)})"
    return line


def explain(patient: Patient, findings: Sequence[Finding]) -> list[str]:
    """The whole run in a few paragraphs."""
    course = patient.course
    current = [finding for finding in findings if finding.is_current]
    paragraphs = [_state(patient), *(_paragraph(finding, course) for finding in findings)]
    unknown = not_looked_for(course)
    if not current:
        is_sure = all(disease.severity != "fatal" for disease in unknown)
        paragraphs.append(_well(course, is_sure=is_sure))
    if course.records and unknown:
        names = ", ".join(disease.name for disease in unknown)
        paragraphs.append(f"not looked for, as the records lack what shows it: {names}")
    remedies = [finding.remedies[0] for finding in current if finding.remedies]
    if remedies:
        command = command_line(course.config, remedies[0], patient.run_dir)
        paragraphs.append(f"to try first:\n  {command}")
    return paragraphs


def _state(patient: Patient) -> str:
    course = patient.course
    shown = f"{course.kimg:g}" if course.records else "0"
    if patient.is_finished:
        state = f"finished after {shown} kimg"
    else:
        state = f"{shown} of {course.config.kimg:g} kimg, not finished"
    ticks = f"{len(course.records)} tick{'' if len(course.records) == 1 else 's'}"
    return f"{patient.run_dir}: {course.config.system} on {course.config.data}, {state}, {ticks}"


def _paragraph(finding: Finding, course: Course) -> str:
    disease = finding.disease
    span = f"from {finding.from_kimg:g} kimg to {finding.to_kimg:g} kimg"
    if finding.from_kimg == finding.to_kimg:
        span = f"at {finding.to_kimg:g} kimg"
    if finding.is_current:
        told = f"{disease.name} ({disease.severity}: {SEVERITIES[disease.severity]}), {span}"
    else:
        told = f"{disease.name}, {span}, over by {course.kimg:g} kimg"
    lines = [f"{told}: {disease.meaning}.", f"  {finding.evidence}"]
    if finding.is_current:
        for word, remedy in zip(("to try", "or"), finding.remedies, strict=False):
            options = as_options(remedy)
            advice = f"{remedy.advice}: {options}" if options else remedy.advice
            lines.append(f"  {word}: {advice}")
    return "\n".join(lines)


def _well(course: Course, *, is_sure: bool) -> str:
    if not course.records:
        return "no tick yet: nothing to judge"
    record = course.records[-1]
    if not can_judge(course):
        return (
            f"no verdict yet after {course.generator_steps:.0f} steps of the generator: healthy "
            f"runs look sick before {WARM_UP_STEPS}"
        )
    measured = {name: number(record, name) for name in ("discriminator_loss", "told_apart")}
    measured["fake_spread / real_spread"] = ratio(record, "fake_spread", "real_spread")
    measured["generator_gradient_norm"] = number(record, "generator_gradient_norm")
    for name in ("frechet_distance", "classes_seen"):
        points = course.metric(name)
        measured[name] = points[-1][1] if points else None
    told = [f"{name} {value:.3g}" for name, value in measured.items() if value is not None]
    verdict = HEALTHY if is_sure else "nothing found, which says little here,"
    return f"{verdict} at {course.kimg:g} kimg: {', '.join(told)}"


def _options_or_advice(remedy: Remedy) -> str:
    return as_options(remedy) or remedy.advice
