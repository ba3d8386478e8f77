"""Diseases that only measured images show: worse again, or of another class than asked for."""

from training.doctor.course import CHOOSING, Course
from training.doctor.cures import (
    check_labels,
    penalise_gradients,
    raise_discriminator_rate,
    stop_earlier,
)
from training.doctor.disease import Disease

# Times the best so far, in two measurements one after the other. That of gan on MNIST rose by 3%
# once while it fell from 26 to 4.
WORSE = 1.5

# Of 2,000 images. A conditional run on MNIST had 0.78 or more at its first measurement, 50 kimg.
MISREAD = 0.5


def _was_better(course: Course) -> str | None:
    name, distances = course.distances()
    if len(distances) < 3:
        return None
    best_kimg, best = min(distances, key=lambda point: point[1])
    if min(value for _, value in distances[-2:]) <= WORSE * best:
        return None
    kimg, value = distances[-1]
    return (
        f"{name} is {value:.3g} at {kimg:g} kimg, above {WORSE:g} times its best in two "
        f"measurements: {best:.3g} at {best_kimg:g} kimg"
    )


def _ignores_labels(course: Course) -> str | None:
    accuracies = course.metric("label_accuracy")[-2:]
    if len(accuracies) < 2 or max(value for _, value in accuracies) >= MISREAD:
        return None
    kimg, value = accuracies[-1]
    return (
        f"at {kimg:g} kimg the judge reads the class that was asked for in {value:.0%} of fakes "
        f"(label_accuracy), less than {MISREAD:.0%} in two measurements"
    )


WRONG_CLASSES = Disease(
    name="wrong classes",
    meaning="the generator makes other classes than it is asked for",
    severity="serious",
    metrics=("label_accuracy",),
    symptom=_ignores_labels,
    cures=(check_labels, raise_discriminator_rate),
    concerns=lambda course: course.is_conditional,
)
GETTING_WORSE = Disease(
    name="getting worse",
    meaning="the images were better before",
    severity="mild",
    metrics=CHOOSING,
    symptom=_was_better,
    cures=(stop_earlier, penalise_gradients),
)
