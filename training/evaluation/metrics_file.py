"""``metrics.json`` of a run: what was measured, and of exactly which graph. One for each graph."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from contract import Metric, ModelCard
from training.atomic import write_text_atomically
from training.errors import TrainingError, explaining_disk_errors
from training.exporting.finished_runs import DIRECTION

FILENAME = "metrics.json"


class JudgeFacts(BaseModel):
    """Who read the images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    test_accuracy: float | None = None  # None: it knows no classes
    weights_sha256: str


class MeasuredGraph(BaseModel):
    """Figures of one graph; they are true of no other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    graph_sha256: str
    judge: JudgeFacts
    metrics: Mapping[str, Metric]

    def save(self, run_dir: Path, filename: str = FILENAME) -> Path:
        """Write the file of a run; gives its path.

        Raises:
            TrainingError: it cannot be written.
        """
        path = run_dir / filename
        with explaining_disk_errors(path):
            write_text_atomically(path, self.model_dump_json(indent=2, exclude_none=True) + "\n")
        return path

    @classmethod
    def load(cls, run_dir: Path, filename: str = FILENAME) -> "MeasuredGraph | None":
        """Read the file of a run; None if there is none.

        Raises:
            TrainingError: it cannot be read.
        """
        path = run_dir / filename
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise TrainingError(
                f"{path} holds no figures ({reason}); delete it, and measure anew with "
                f"gantrain evaluate {run_dir}"
            ) from error


def filename_of(card: ModelCard) -> str:
    """A run of translators has a file for each direction."""
    return FILENAME if card.kind == "generator" else f"metrics-{card.recipe[DIRECTION]}.json"


def metrics_of(
    run_dir: Path, graph_sha256: str, *, weights: str, filename: str = FILENAME
) -> Mapping[str, Metric]:
    """The figures of this graph, or none and a printed line on how to get them.

    Raises:
        TrainingError: the file is there and cannot be read.
    """
    measured = MeasuredGraph.load(run_dir, filename)
    if measured is not None and measured.graph_sha256 == graph_sha256:
        return measured.metrics
    reason = (
        f"{run_dir} has no {filename}" if measured is None else "its figures are of another graph"
    )
    option = "" if weights == "fp32" else f" --weights {weights}"
    print(f"exported without figures: {reason}; gantrain evaluate {run_dir}{option} measures them")
    return {}
