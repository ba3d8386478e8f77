"""Evaluating a generator: its images, as they are served, against the real ones of its data set."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from contract import Metric, ModelCard
from training.data_names import FOLDER_PREFIX
from training.datasets import ImageDataset, load_dataset
from training.errors import TrainingError
from training.evaluation.bounds import load_bounds
from training.evaluation.figures import Score, as_metric
from training.evaluation.generation import ServedModel, generate_images
from training.evaluation.judge import Judge
from training.evaluation.judges import SPLITS, STACKED_MNIST, load_judge
from training.evaluation.labels import LabelFigures, measure_labels
from training.evaluation.progress import announce
from training.evaluation.reference import Reference, Subject, load_reference, read_subject
from training.evaluation.scoring import score

NUM_IMAGES = 10_000
NUM_IMAGES_STACKED = 26_000  # the protocol of its papers


@dataclass(frozen=True)
class Measuring:
    """How to measure: what the options of the command say."""

    data_dir: Path
    cache_dir: Path
    data: str | None = None  # a data set's name or folder:PATH; None: what the card says
    num_images: int | None = None  # None: as many as the protocol of the data set wants


@dataclass(frozen=True)
class Evaluation:
    """What was measured, and by whom."""

    card: ModelCard
    judge: Judge
    metrics: dict[str, Metric]
    notes: tuple[str, ...]
    num_images: int
    class_names: tuple[str, ...]
    fakes: LabelFigures | None  # by class; None where the data has no classes
    reals: LabelFigures | None


def evaluate(model: ServedModel, measuring: Measuring) -> Evaluation:
    """Measure a model by the protocol of its kind.

    Raises:
        TrainingError: the data is not what the model was trained on, or cannot be measured with.
    """
    if model.card.kind not in EVALUATIONS:
        raise TrainingError(
            f"{model.origin} is a {model.card.kind}; these can be evaluated: "
            f"{', '.join(EVALUATIONS)}"
        )
    return EVALUATIONS[model.card.kind](model, measuring)


def evaluate_generator(model: ServedModel, measuring: Measuring) -> Evaluation:
    card = model.card
    train, test, notes = _load_data(model, measuring)
    judge = load_judge(train, test, data_dir=measuring.data_dir, cache_dir=measuring.cache_dir)
    reference = load_reference(train, test, judge, measuring.cache_dir)
    default = NUM_IMAGES_STACKED if train.name == STACKED_MNIST else NUM_IMAGES
    num_images = measuring.num_images or default
    bounds = load_bounds(reference, num_images, measuring.cache_dir)
    announce(f"generating {num_images:,} images of {card.name}")
    generated = generate_images(model, num_images)
    announce("measuring them")
    subject = read_subject(judge, generated.pixels, generated.labels, "generated images")
    facts = _facts(reference, is_conditional=card.is_conditional)
    metrics = {
        name: as_metric(
            name, item, facts, floor=bounds.floor.get(name), noise=bounds.noise.get(name)
        )
        for name, item in score(subject, reference).items()
    }
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


EVALUATIONS: dict[str, Callable[[ServedModel, Measuring], Evaluation]] = {
    "generator": evaluate_generator,
}


def _load_data(
    model: ServedModel, measuring: Measuring
) -> tuple[ImageDataset, ImageDataset, tuple[str, ...]]:
    """Training and test split at the size of the model, and what the user should know of them."""
    card = model.card
    if card.height != card.width:
        raise TrainingError(f"{card.name} gives {card.width}x{card.height} images, not square ones")
    name = measuring.data or card.dataset
    try:
        train, test = (
            load_dataset(name, image_size=card.height, data_dir=measuring.data_dir, split=split)
            for split in SPLITS
        )
    except TrainingError as error:
        if measuring.data is None and name.startswith(FOLDER_PREFIX):
            raise TrainingError(
                f"{error}; {model.origin} was trained on {name!r}: say where that is with "
                f"--data {FOLDER_PREFIX}PATH"
            ) from error
        raise
    if (train.name, train.channels) != (card.dataset, card.channels):
        raise TrainingError(
            f"{model.origin} was trained on {card.dataset!r} with {card.channels} channels, not on "
            f"{train.name!r} with {train.channels}; give that with --data"
        )
    if card.is_conditional and card.class_names != train.class_names:
        raise TrainingError(
            f"{model.origin} has the classes {', '.join(card.class_names)}, but {name} has "
            f"{', '.join(train.class_names) or 'none'}; give the data it was trained on with --data"
        )
    if train.fingerprint == card.dataset_fingerprint:
        return train, test, ()
    note = (
        f"the training images differ from those of this model (sha256 {train.fingerprint[:12]}, "
        f"not {card.dataset_fingerprint[:12]}): floors and copies are told of what is here now"
    )
    return train, test, (note,)


def _facts(reference: Reference, *, is_conditional: bool) -> dict[str, str]:
    """What fills the places of the protocols' sentences."""
    judge = reference.judge
    named = f"{judge.description}, sha256 of its weights {judge.weights_sha256[:12]}"
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
