"""A run directory as the doctor sees it: finished, stopped, broken or still training."""

from dataclasses import dataclass
from pathlib import Path

from training.checkpoints import FINAL
from training.config import TrainConfig
from training.doctor.course import Course
from training.errors import TrainingError
from training.records import FILENAME, read_records


@dataclass(frozen=True)
class Patient:
    run_dir: Path
    course: Course
    is_finished: bool


def read_run(run_dir: Path) -> Patient:
    """Read configuration and records.

    Raises:
        TrainingError: it is no run directory, or a file cannot be read.
    """
    config = TrainConfig.load(run_dir)
    path = run_dir / FILENAME
    try:
        records = read_records(path)
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: {error}") from error
    return Patient(run_dir, Course(config, records), (run_dir / FINAL).exists())
