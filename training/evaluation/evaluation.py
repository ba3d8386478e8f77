"""What an evaluation is asked for, and what it gives. Knows no kind of model."""

from dataclasses import dataclass
from pathlib import Path

from contract import Metric, ModelCard
from training.evaluation.judge import Judge
from training.evaluation.labels import LabelFigures


@dataclass(frozen=True)
class Measuring:
    """How to measure: what the options of the command say."""

    data_dir: Path
    cache_dir: Path
    data: str | None = None  # a data set's name or folder:PATH; None: what the card says
    num_images: int | None = None  # None: as many as the protocol of the data set wants
    with_cas: bool = True  # of conditional models; trains a classifier, for minutes
    with_inception: bool = False  # needs weights that we do not have


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
