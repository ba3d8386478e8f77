"""Every figure of one set of images: fakes, held-out real images or noise, all by the same lines.

Each family of figures takes the images and the reference, and gives values by name. A family that
does not apply gives none: no classes, no class figures.
"""

from collections.abc import Callable, Iterable

import numpy as np

from training.evaluation.copies import copy_ratio, near_copies, nearest_distances
from training.evaluation.distances import frechet_distance, kernel_distance
from training.evaluation.figures import Score
from training.evaluation.labels import measure_labels
from training.evaluation.manifold import compare_manifolds
from training.evaluation.modes import class_divergence, count_classes_seen
from training.evaluation.reference import MAX_COPIES, Reference, Subject

MAX_MANIFOLD = 5000
MIN_DIVERSITY = 1e-3  # grey levels: keeps the ratio finite where all real images are the same
SURE = 0.9  # the confidence above which a judge is sure

Scores = dict[str, Score]
Family = Callable[[Subject, Reference], Scores]


def score(
    subject: Subject, reference: Reference, families: Iterable[Family] | None = None
) -> Scores:
    """Measure ``subject`` by these families of figures, or by all."""
    scores: Scores = {}
    for family in families or FAMILIES:
        scores |= family(subject, reference)
    return scores


def frechet(subject: Subject, reference: Reference) -> Scores:
    features = subject.reading.features[: len(reference.test)]  # as many as its floor can have
    value = frechet_distance(reference.features, features)
    return {"frechet_distance": Score(value, len(features))}


def kernel(subject: Subject, reference: Reference) -> Scores:
    features = subject.reading.features[: len(reference.test)]
    value = kernel_distance(reference.features, features)
    return {"kernel_distance": Score(value, len(features))}


def manifold(subject: Subject, reference: Reference) -> Scores:
    """As many real images as generated ones: the figures shift with both numbers."""
    num_images = min(MAX_MANIFOLD, len(subject), len(reference.test), len(reference.features))
    figures = compare_manifolds(
        reference.features[:num_images], subject.reading.features[:num_images]
    )
    return {name: Score(value, num_images) for name, value in vars(figures).items()}


def classes(subject: Subject, reference: Reference) -> Scores:
    reading = subject.reading
    if reading.classes is None or reading.confidence is None:
        return {}
    assert reference.by_class is not None  # noqa: S101  # a judge that reads classes has read these
    num_classes = reference.num_classes
    figures = measure_labels(subject.pixels, reading.classes, subject.labels, num_classes)
    values = {
        "class_diversity": figures.diversity / max(reference.by_class.diversity, MIN_DIVERSITY),
        "classes_seen": float(count_classes_seen(reading.classes, num_classes)),
        "class_kl": class_divergence(reading.classes, reference.class_shares),
        "confident_share": float((reading.confidence > SURE).mean(dtype=np.float64)),
    }
    if figures.accuracy is not None:
        values = {"label_accuracy": figures.accuracy} | values
    return {name: Score(value, len(subject)) for name, value in values.items()}


def copies(subject: Subject, reference: Reference) -> Scores:
    pixels = subject.pixels[:MAX_COPIES]
    distances = nearest_distances(pixels, reference.train.images)
    unseen = reference.unseen_distances
    return {
        "copy_ratio": Score(copy_ratio(distances, unseen), len(pixels)),
        "near_copies": Score(near_copies(distances, unseen), len(pixels)),
    }


FAMILIES: tuple[Family, ...] = (frechet, kernel, manifold, classes, copies)
QUICK_FAMILIES: tuple[Family, ...] = (frechet, manifold, classes)
