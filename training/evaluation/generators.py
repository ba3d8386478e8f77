"""The protocol of generators: their images against the real ones of their data set."""

import numpy as np

from contract import Metric
from training.evaluation.bounds import load_bounds
from training.evaluation.classification_score import (
    classification_accuracy_score,
    num_training_images,
)
from training.evaluation.evaluation import Evaluation, Measuring
from training.evaluation.figures import Score, as_metric
from training.evaluation.generation import GeneratedImages, ServedModel, generate_images
from training.evaluation.inception import check_inception, inception_distance
from training.evaluation.judges import STACKED_MNIST, load_judge
from training.evaluation.labels import LabelFigures, measure_labels
from training.evaluation.measured_data import load_splits
from training.evaluation.progress import announce
from training.evaluation.reference import (
    MAX_REFERENCE,
    Reference,
    Subject,
    load_reference,
    random_part,
    read_subject,
)
from training.evaluation.scoring import score

NUM_IMAGES = 10_000
NUM_IMAGES_STACKED = 26_000  # the protocol of its papers


def evaluate_generator(model: ServedModel, measuring: Measuring) -> Evaluation:
    """Measure a generator with every figure that applies to it.

    Raises:
        TrainingError: the data is not what the model was trained on, or cannot be measured with.
    """
    if measuring.with_inception:
        check_inception()
    card, cache_dir = model.card, measuring.cache_dir
    train, test, notes = load_splits(model, measuring)
    judge = load_judge(train, test, data_dir=measuring.data_dir, cache_dir=cache_dir)
    reference = load_reference(train, test, judge, cache_dir)
    default = NUM_IMAGES_STACKED if train.name == STACKED_MNIST else NUM_IMAGES
    num_images = measuring.num_images or default
    bounds = load_bounds(reference, num_images, cache_dir)
    facts = _facts(reference, is_conditional=card.is_conditional)

    with_cas = measuring.with_cas and card.is_conditional
    num_generated = max(num_images, num_training_images(train) if with_cas else 0)
    announce(f"generating {num_generated:,} images of {card.name}")
    generated = generate_images(model, num_generated)
    first = generated.first(num_images)

    announce(f"measuring {num_images:,} of them")
    subject = read_subject(judge, first.pixels, first.labels, "generated images")
    metrics = {
        name: as_metric(
            name, item, facts, floor=bounds.floor.get(name), noise=bounds.noise.get(name)
        )
        for name, item in score(subject, reference).items()
    }
    if with_cas:
        metrics["cas"] = _cas(generated, reference, facts)
    if measuring.with_inception:
        metrics["inception_distance"] = _inception(first, reference, facts)
    if judge.test_accuracy is not None:
        own = Score(judge.test_accuracy, len(test))
        metrics["judge_accuracy"] = as_metric("judge_accuracy", own, facts)
    return Evaluation(
        card=card,
        judge=judge,
        metrics=metrics,
        notes=notes,
        num_images=num_images,
        class_names=train.class_names,
        fakes=_by_class(subject, reference.num_classes),
        reals=reference.by_class,
    )


def _cas(generated: GeneratedImages, reference: Reference, facts: dict[str, str]) -> Metric:
    num_images = num_training_images(reference.train)
    announce(f"training a classifier on {num_images:,} of them, which takes minutes (--no-cas)")
    value = classification_accuracy_score(generated, reference.train, reference.test)
    floor = reference.judge.test_accuracy
    return as_metric("cas", Score(value, num_images), facts, floor=floor)


def _inception(images: GeneratedImages, reference: Reference, facts: dict[str, str]) -> Metric:
    """As many generated as test images, as for the other distance."""
    test_pixels, _ = random_part(reference.test, len(images.pixels))
    fakes = images.pixels[: len(test_pixels)]
    training, _ = random_part(reference.train, MAX_REFERENCE)
    announce("measuring the Inception distance, which takes long without a GPU")
    named: dict[str, np.ndarray] = {"generated images": fakes, "test images": test_pixels}
    value, floor = inception_distance(training, named).values()
    return as_metric("inception_distance", Score(value, len(fakes)), facts, floor=floor)


def _facts(reference: Reference, *, is_conditional: bool) -> dict[str, str]:
    """What fills the places of the protocols' sentences."""
    judge = reference.judge
    named = f"{judge.description} (sha256 {judge.weights_sha256[:12]})"
    return {
        "num_reference": f"{len(reference.features):,}",
        "num_classes": f"{reference.num_classes:,}",
        "whose_class": "as asked for" if is_conditional else "as read by the judge",
        "judge": named if judge.test_accuracy is None else "the judge",
        "judge_description": judge.description,
        "judge_sha256": judge.weights_sha256,
    }


def _by_class(subject: Subject, num_classes: int) -> LabelFigures | None:
    if subject.reading.classes is None:
        return None
    return measure_labels(subject.pixels, subject.reading.classes, subject.labels, num_classes)
