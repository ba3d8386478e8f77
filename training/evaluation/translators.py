"""The protocol of translators: held-out images translated, beside truth and target domain."""

import numpy as np
from numpy.typing import NDArray

from contract import IMAGES, SOURCE, Metric
from training.errors import TrainingError
from training.evaluation.evaluation import Evaluation, Measuring
from training.evaluation.generation import ServedModel
from training.evaluation.pairs import compare_pairs, root_mean_square
from training.evaluation.progress import announce, with_bar
from training.evaluation.target_domain import TargetDomain, read_target_domain
from training.evaluation.translation_baselines import baselines
from training.evaluation.translation_data import direction_of, load_domains
from training.evaluation.translation_figures import as_translation_metric
from training.evaluation.translation_task import TranslationTask, make_task

Images = NDArray[np.uint8]  # (N, H, W, C)
BATCH_SIZE = 20


def evaluate_translator(
    model: ServedModel, measuring: Measuring, back: ServedModel | None = None
) -> Evaluation:
    """Measure a translator beside the baselines that it must beat.

    Args:
        back: the translator of the other direction, for the cycle error.

    Raises:
        TrainingError: the data is not what the model was trained on, holds nothing out, or an
            option is for other models.
    """
    if measuring.with_inception:
        raise TrainingError(f"--inception is for generators, which {model.origin} is not")
    direction = direction_of(model)
    dataset, notes = load_domains(model, measuring)
    task = make_task(dataset, direction).reporting()
    if measuring.num_images:
        task = task.first(measuring.num_images)
    announce(f"translating {len(task.sources):,} held-out images with {model.card.name}")
    subjects = {"": translate(model, task.sources)}
    for name, make in baselines(task.sources, task.training_targets).items():
        subjects[name] = make()
    target = read_target_domain(task)
    metrics = _metrics(subjects, task, target)
    if back is not None:
        returned = translate(back, subjects[""])
        metrics["cycle_error"] = as_translation_metric(
            "cycle_error",
            root_mean_square(returned, task.sources),
            num_images=len(returned),
            facts={},
        )
    return Evaluation(
        card=model.card,
        judge=target.judge,
        metrics=metrics,
        notes=notes,
        num_images=len(task.sources),
        class_names=(),
        fakes=None,
        reals=None,
    )


def translate(model: ServedModel, sources: Images) -> Images:
    """Images of the source domain (N, H, W, S) through a model file, as it is served.

    Raises:
        TrainingError: the model does not fit its own card.
    """
    session, parts = model.session, []
    for start in with_bar(range(0, len(sources), BATCH_SIZE), "translating"):
        batch = np.ascontiguousarray(sources[start : start + BATCH_SIZE])
        try:
            parts += session.run([IMAGES], {SOURCE: batch})
        except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
            raise TrainingError(f"{model.origin} does not fit its card: {error}") from error
    return np.concatenate(parts)


def _metrics(
    subjects: dict[str, Images], task: TranslationTask, target: TargetDomain
) -> dict[str, Metric]:
    """Each figure of the translations, then of the baselines; ``psnr``, ``psnr_do_nothing``."""
    judge = target.judge
    facts = {
        "num_reference": f"{len(target.features):,}",
        "judge": f"{judge.description}, sha256 of its weights {judge.weights_sha256[:12]}",
    }
    values = {name: _figures(images, task, target) for name, images in subjects.items()}
    floors = {"frechet_distance": target.floor, "colourfulness": 1.0}
    return {
        f"{figure}_{subject}" if subject else figure: as_translation_metric(
            figure,
            values[subject][figure],
            num_images=target.num_images if figure == "frechet_distance" else len(task.sources),
            facts=facts,
            baseline=subject,
            floor=floors.get(figure),
        )
        for figure in values[""]
        for subject in subjects
    }


def _figures(images: Images, task: TranslationTask, target: TargetDomain) -> dict[str, float]:
    pairs = compare_pairs(images, task.targets) if task.is_paired else {}
    return pairs | {"frechet_distance": target.distance(images, "translations")}
