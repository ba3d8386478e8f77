"""Is a quantised model as good as its parent? Knows figures only."""

from collections.abc import Mapping

from contract import Metric
from training.errors import TrainingError

FRECHET = "frechet_distance"
LABELS = "label_accuracy"  # of conditional models only
MAX_FRECHET_RATIO = 1.05
MAX_LABELS_LOST = 0.002  # 0.2 points
_ROUNDING = 1e-9

Figures = Mapping[str, Metric]


def require_quality(parent: Figures, quantised: Figures) -> str:
    """What was asked and what was found, in words.

    Args:
        parent: measured by the same judge, on images of the same seeds.

    Raises:
        TrainingError: the quantised model is worse than is allowed; says by how much.
    """
    before, after = parent[FRECHET].value, quantised[FRECHET].value
    limit = before * MAX_FRECHET_RATIO
    found = [f"Frechet distance {after:.4g} (parent {before:.4g}, allowed {limit:.4g})"]
    failed = [] if after <= limit else found[:]
    if LABELS in parent:
        before, after = parent[LABELS].value, quantised[LABELS].value
        limit = before - MAX_LABELS_LOST
        found.append(f"label accuracy {after:.2%} (parent {before:.2%}, allowed {limit:.2%})")
        if after < limit - _ROUNDING:
            failed.append(found[-1])
    if failed:
        raise TrainingError(
            f"the quantised model is too much worse: {'; '.join(failed)}; nothing was written"
        )
    return "; ".join(found)
