"""Diseases of the balance: one network wins, and the other one learns nothing from it."""

from statistics import median

from training.doctor.course import WINDOW, Course
from training.doctor.cures import (
    lower_discriminator_rate,
    lower_generator_rate,
    more_noise,
    non_saturating,
    penalise_gradients,
    raise_discriminator_rate,
    tuned_rates,
)
from training.doctor.disease import Disease
from training.doctor.guessing import guessing_loss

# Of the slope that the minimax loss could have at the fakes. Its mean over fakes is the mean of
# D(G(z)), which is at most minus the loss itself: softplus is above sigmoid.
FLAT = 0.02
# Times the run's largest gradient norm, by the median of a window. Where the loss was flat it fell
# to 0.13, then to 0.02; healthy runs stay above 0.23 (MNIST, R1, 200 kimg).
FAINT = 0.2
# Of any gradient: beside it Adam's epsilon of 1e-8 counts, and nothing moves.
NO_GRADIENT = 1e-5

# Times the loss of guessing. MNIST: healthy runs stay above 0.09 to their end; one that ended at
# 0.02 had its digits misread (docs/log.md, 2026-11-23).
WON = 0.05

# Share of pairs in which the real is ranked above the fake; guessing is half. A discriminator with
# a twentieth of its tuned learning rate got none right for 500 steps, one against a generator of
# 100 times its tuned rate 5%; even games of healthy runs go down to 26% for a while.
MISLED = 0.1


def _gets_no_gradient(course: Course) -> str | None:
    norms = course.last("generator_gradient_norm")
    if norms is None:
        return None
    if max(norms) < NO_GRADIENT:
        return f"the generator's gradient norm is {norms[-1]:.2g} for {WINDOW} ticks: it has died"
    losses, largest = course.last("generator_loss"), course.largest("generator_gradient_norm")
    if course.config.loss != "minimax" or losses is None or largest is None:
        return None
    if max(map(abs, losses)) > FLAT or median(norms) > FAINT * largest:
        return None
    return (
        f"the discriminator gives fakes {abs(losses[-1]):.2g} at most on average (generator_loss), "
        "where the minimax loss is flat, and the generator's gradient norm fell from "
        f"{largest:.2g} to {norms[-1]:.2g}"
    )


def _has_won(course: Course) -> str | None:
    losses, guessing = course.last("discriminator_loss"), guessing_loss(course.config)
    if losses is None or guessing is None or max(losses) >= WON * guessing:
        return None
    if _gets_no_gradient(course):
        return None
    return (
        f"the discriminator's loss is {losses[-1]:.2g}, {losses[-1] / guessing:.1%} of that of "
        f"guessing, for {WINDOW} ticks; the generator still gets a gradient, but for details that "
        "only a discriminator sees"
    )


def _is_misled(course: Course) -> str | None:
    told = course.last("told_apart")
    if told is None or max(told) >= MISLED:
        return None
    return (
        f"the discriminator ranks the real above the fake in {told[-1]:.1%} of pairs (told_apart) "
        f"for {WINDOW} ticks, where guessing gives 50%: the generator learns to mislead it, not "
        "what images look like"
    )


VANISHING = Disease(
    name="vanishing gradients",
    meaning="the generator gets next to no gradient, and stands still",
    severity="fatal",
    signals=("generator_loss", "generator_gradient_norm"),
    symptom=_gets_no_gradient,
    cures=(non_saturating, tuned_rates, lower_generator_rate),
)
DISCRIMINATOR_WINS = Disease(
    name="discriminator wins",
    meaning="every fake is found out, by details that no person would see",
    severity="serious",
    signals=("discriminator_loss",),
    symptom=_has_won,
    cures=(tuned_rates, more_noise, penalise_gradients, lower_discriminator_rate),
)
DISCRIMINATOR_LOSES = Disease(
    name="discriminator loses",
    meaning="the discriminator cannot keep up, or learns nothing",
    severity="fatal",
    signals=("told_apart",),
    symptom=_is_misled,
    cures=(tuned_rates, raise_discriminator_rate, lower_generator_rate),
)
