"""Diseases of variety: the generator makes the same few images again and again."""

from training.doctor.course import WINDOW, Course
from training.doctor.cures import more_noise, pack, penalise_gradients, tuned_rates
from training.doctor.disease import Disease

# Spread of the fakes beside that of the reals. Collapsed conditional runs: 0.08 to 0.24
# (docs/log.md); healthy ones on MNIST pass 0.25 before step 320, and end near 1.
COLLAPSED = 0.25
# Spread that may grow to something; below it, growth is chance. wgan-gp, the slowest, has 0.5 on
# MNIST by the end of the warm-up; tiny networks on digits have 0.24.
NONE = 0.15
# What a run should have after so many steps of the generator; healthy ones have it at 500.
POOR, POOR_STEPS = 0.5, 2000

# Distance of two images of a class beside that of real ones: collapsed 0.16 to 0.31; healthy runs
# have 0.55 or more at their first measurement, and end near 1.
ALIKE = 0.4

# Nats: as if a quarter of the classes were missing, ln(4/3).
LOPSIDED = 0.3
NUM_MEASURED = 2000  # images, so few that the histogram of 1,000 classes is uneven by itself
# Of the most classes that the run has had.
CLASSES_LOST = 0.8


def _varies_too_little(course: Course) -> str | None:
    ratios = course.last_ratios("fake_spread", "real_spread")
    if ratios is None:
        return None
    limit = POOR if course.generator_steps >= POOR_STEPS else COLLAPSED
    is_growing = ratios[-1] > NONE and course.has_risen("fake_spread", "real_spread")
    if max(ratios) >= limit or is_growing:
        return None
    within = " within a class" if course.is_conditional else ""
    return (
        f"fakes differ from each other{within} {ratios[-1]:.0%} as much as reals do (fake_spread, "
        f"real_spread), below {limit:.0%} for {WINDOW} ticks and not growing"
    )


def _has_classes_of_one_image(course: Course) -> str | None:
    diversity = course.metric("class_diversity")[-2:]
    if len(diversity) < 2 or max(value for _, value in diversity) >= ALIKE:
        return None
    kimg, value = diversity[-1]
    return (
        f"at {kimg:g} kimg two fakes of a class are {value:.0%} as far apart as two reals "
        f"(class_diversity), below {ALIKE:.0%} in two measurements"
    )


def _collapses(course: Course) -> str | None:
    return _varies_too_little(course) or _has_classes_of_one_image(course)


def _lacks_classes(course: Course) -> str | None:
    divergences, seen = course.metric("class_kl")[-2:], course.metric("classes_seen")
    if len(divergences) < 2 or len(seen) < 2:
        return None
    most = max(count for _, count in seen)
    limit = LOPSIDED + (most - 1) / (2 * NUM_MEASURED)  # Miller 1955: what so few images add
    is_lopsided = min(value for _, value in divergences) > limit
    has_lost = max(count for _, count in seen[-2:]) < CLASSES_LOST * most
    if not is_lopsided and not has_lost:
        return None
    (kimg, divergence), (_, count) = divergences[-1], seen[-1]
    return (
        f"at {kimg:g} kimg the judge reads {count:.0f} classes in the fakes (classes_seen; at most "
        f"{most:.0f} so far), so unevenly that class_kl is {divergence:.2g}, where at most "
        f"{limit:.2g} is right"
    )


MODE_COLLAPSE = Disease(
    name="mode collapse",
    meaning="the generator makes a few images, whatever its input",
    severity="fatal",
    signals=("real_spread", "fake_spread"),
    metrics=("class_diversity",),
    symptom=_collapses,
    cures=(tuned_rates, pack, penalise_gradients, more_noise),
    concerns=lambda course: not course.is_conditional,
)
CLASS_COLLAPSE = Disease(
    name="class collapse",
    meaning="the generator makes one image of each class, whatever its latent",
    severity="fatal",
    signals=("real_spread", "fake_spread"),
    metrics=("class_diversity",),
    symptom=_collapses,
    cures=(tuned_rates, penalise_gradients, more_noise),
    concerns=lambda course: course.is_conditional,
)
LOST_CLASSES = Disease(
    name="lost classes",
    meaning="whole classes of the data are missing among the fakes, or next to missing",
    severity="serious",
    metrics=("class_kl", "classes_seen"),
    symptom=_lacks_classes,
    cures=(tuned_rates, pack, penalise_gradients, more_noise),
    concerns=lambda course: not course.is_conditional and not course.is_translator,
)
