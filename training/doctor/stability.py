"""Diseases of the numbers: broken, growing without end, thrown to and fro."""

from training.doctor.course import WINDOW, Course, kimg_of, number
from training.doctor.cures import (
    full_precision,
    keep_lipschitz,
    lower_rates,
    penalise_gradients,
    tuned_rates,
)
from training.doctor.disease import Disease
from training.doctor.guessing import guessing_loss

# Logits: float32 cannot tell sigmoid(17) from 1. A discriminator that had long won ended at 17, one
# with a learning rate 2,500 times too high at 480. Least squares wants them at 0 and 1.
HUGE_LOGITS = 50.0
HUGE_REGRESSED = 10.0
# Wasserstein: a critic of slope 1 gives two images logits no further apart than the images are, and
# those at most 2 in each of their numbers. Without its penalty one had come to 33 times that.
NUM_CHANNELS = 3

# Times the loss of guessing, in each of a window's ticks. An even game comes to 1 from below; a
# learning rate of 100 times too much gave 1.03 to 1.10, with reals still ranked above fakes. One
# that regresses adds the variance of its logits: healthy translators have 1.01, at first 1.2.
ABOVE_GUESSING = 1.03
ABOVE_REGRESSING = 1.5

# Ticks to look back on, how many of their changes turn round, and how large they are beside the
# loss itself: in healthy runs on MNIST at most 0.3, in one whose learning rates fell 0.47. The loss
# of a discriminator that has won, below a twentieth of guessing, may jump as it likes.
SWINGS = 8
LEAST_TURNS = 5
LARGE_SWING = 0.7
LEAST_LEVEL = 0.05


def _is_broken(course: Course) -> str | None:
    names = course.records[-1].get("not_finite")
    if not names or not isinstance(names, list):
        return None
    evidence = f"at {course.kimg:g} kimg no finite number: {', '.join(map(str, names))}"
    if len(course.records) < 2:
        return f"{evidence}; it is the first tick"
    before = course.records[-2]
    told = [
        f"{name} {value:.3g}"
        for name in ("discriminator_loss", "generator_loss", "generator_gradient_norm")
        if (value := number(before, name)) is not None
    ]
    return f"{evidence}; the tick before, at {kimg_of(before):g} kimg: {', '.join(told)}"


def _grows_without_end(course: Course) -> str | None:
    reals, fakes = course.last("real_logits"), course.last("fake_logits")
    if reals is None or fakes is None:
        return None
    config = course.config
    pairs = zip(reals, fakes, strict=True)
    if config.loss == "wasserstein":
        measured, what = [abs(real - fake) for real, fake in pairs], "logits are apart"
        limit = 2 * config.image_size * (NUM_CHANNELS * config.pack) ** 0.5
    else:
        measured, what = [max(abs(real), abs(fake)) for real, fake in pairs], "logits are"
        limit = HUGE_REGRESSED if config.loss == "least-squares" else HUGE_LOGITS
    if min(measured) <= limit:
        return None
    return (
        f"{what} {measured[-1]:.3g} on average (real_logits {reals[-1]:.3g}, fake_logits "
        f"{fakes[-1]:.3g}) and above {limit:.3g} for {WINDOW} ticks"
    )


def _overshoots(course: Course) -> str | None:
    losses, told = course.last("discriminator_loss"), course.last("told_apart")
    guessing = guessing_loss(course.config)
    if losses is None or told is None or guessing is None:
        return None
    is_regressing = course.config.loss == "least-squares"
    limit = guessing * (ABOVE_REGRESSING if is_regressing else ABOVE_GUESSING)
    if min(losses) <= limit or min(told) < 0.5:
        return None
    return (
        f"the discriminator's loss is {losses[-1]:.3g} where guessing gives {guessing:.3g}, for "
        f"{WINDOW} ticks, though it ranks {told[-1]:.0%} of pairs rightly (told_apart): its steps "
        "are larger than what it knows"
    )


def _is_thrown_about(course: Course) -> str | None:
    losses = [value for _, value in course.points("discriminator_loss")][-SWINGS:]
    guessing = guessing_loss(course.config)
    if len(losses) < SWINGS or guessing is None:
        return None
    changes = [after - before for before, after in zip(losses, losses[1:], strict=False)]
    num_turns = sum(a * b < 0 for a, b in zip(changes, changes[1:], strict=False))
    size = sum(map(abs, changes)) / len(changes)
    level = sum(map(abs, losses)) / len(losses)
    is_small = size <= LARGE_SWING * level or level <= LEAST_LEVEL * guessing
    if num_turns < LEAST_TURNS or is_small:
        return None
    return (
        f"over the last {SWINGS} ticks the discriminator's loss turned round {num_turns} times, by "
        f"{size:.3g} a tick at a level of {level:.3g}"
    )


NOT_FINITE = Disease(
    name="not finite",
    meaning="a signal is no finite number any more, and the run ended",
    severity="fatal",
    symptom=_is_broken,
    cures=(tuned_rates, full_precision, lower_rates),
    warm_up_steps=0,
)
DIVERGING = Disease(
    name="diverging",
    meaning="logits have grown beyond all meaning",
    severity="fatal",
    signals=("real_logits", "fake_logits"),
    symptom=_grows_without_end,
    cures=(keep_lipschitz, tuned_rates, penalise_gradients, lower_rates),
    warm_up_steps=0,
)
RATE_TOO_HIGH = Disease(
    name="learning rate too high",
    meaning="the discriminator overshoots, and is worse than one that guesses",
    severity="serious",
    signals=("discriminator_loss", "told_apart"),
    symptom=_overshoots,
    cures=(tuned_rates, lower_rates),
)
OSCILLATING = Disease(
    name="oscillating",
    meaning="the two networks throw each other to and fro instead of settling",
    severity="mild",
    signals=("discriminator_loss",),
    symptom=_is_thrown_about,
    cures=(tuned_rates, penalise_gradients, lower_rates),
)
