"""Diseases that pixels show: of the data, and of what the generator makes of its range."""

from training.doctor.course import WINDOW, Course, number
from training.doctor.cures import bound_generator, lower_generator_rate, mend_data, tuned_rates
from training.doctor.disease import Disease

# Of [-1, 1], used by the batches of reals. MNIST uses all of it, four satellite photographs 80%;
# values 0 to 1 in a file made for 0 to 255 use 0.4%, digits of 0 to 16 use 6%.
NARROW = 0.25

# tanh cannot pass 1, and float rounding not by this much.
BEYOND = 1.001

# Of the pixels between the ends of the range that reals have, fakes have so few. On MNIST fakes of
# healthy runs have more than reals; on digits with 100 times the tuned rates it came to 0.16.
FEW_TONES = 0.25
# Reals that are black and white have none to compare with.
LEAST_TONES = 0.02


def _uses_a_sliver(course: Course) -> str | None:
    low, high = (number(course.records[-1], name) for name in ("real_low", "real_high"))
    if low is None or high is None or high - low >= 2 * NARROW:
        return None
    stored = f"{_as_stored(low):.0f} to {_as_stored(high):.0f}"
    return (
        f"batches of real images use {stored} of 0 to 255 (real_low {low:.3f}, real_high "
        f"{high:.3f}), {max(high - low, 0) / 2:.1%} of the range; at least {NARROW:.0%} is right"
    )


def _leaves_the_range(course: Course) -> str | None:
    low, high = (number(course.records[-1], name) for name in ("fake_low", "fake_high"))
    if low is None or high is None or (low >= -BEYOND and high <= BEYOND):
        return None
    return (
        f"fakes reach from {low:.3g} to {high:.3g} (fake_low, fake_high), but images are cut at -1 "
        "and 1 when they are exported"
    )


def _has_no_tones(course: Course) -> str | None:
    reals, fakes = course.last("real_saturated"), course.last("fake_saturated")
    if reals is None or fakes is None:
        return None
    if any(
        1 - real < LEAST_TONES or 1 - fake >= FEW_TONES * (1 - real)
        for real, fake in zip(reals, fakes, strict=True)
    ):
        return None
    return (
        f"{fakes[-1]:.1%} of the fakes' pixels are at an end of the range (fake_saturated), "
        f"{reals[-1]:.1%} of the reals' (real_saturated), for {WINDOW} ticks: there tanh has next "
        "to no gradient"
    )


def _as_stored(value: float) -> float:
    return (value + 1) * 127.5


WRONGLY_SCALED = Disease(
    name="wrongly scaled data",
    meaning="the real images use but a sliver of the range of an image",
    severity="fatal",
    signals=("real_low", "real_high"),
    symptom=_uses_a_sliver,
    cures=(mend_data,),
    warm_up_steps=0,  # reals do not learn
)
OUT_OF_RANGE = Disease(
    name="fakes out of range",
    meaning="the generator makes pixels that no image has",
    severity="serious",
    signals=("fake_low", "fake_high"),
    symptom=_leaves_the_range,
    cures=(bound_generator,),
    warm_up_steps=0,
)
SATURATED = Disease(
    name="saturated fakes",
    meaning="the generator makes black and white where reals have tones between",
    severity="serious",
    signals=("real_saturated", "fake_saturated"),
    symptom=_has_no_tones,
    cures=(tuned_rates, lower_generator_rate),
)
