"""How many replicas a model should have, by the images that wait or are computed. Knows no model.

Requests would be a poor measure: one may ask for 1 image or for 256.
"""

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ray.serve.config import AutoscalingContext

IMAGES = "images_under_way"
"""The figure that each replica reports."""


class ByImages:
    """Ray Serve's autoscaling policy: one replica for so many images under way."""

    def __init__(self, target_images: float) -> None:
        self._target_images = target_images

    def __call__(self, context: "AutoscalingContext") -> tuple[float, dict[str, Any]]:
        """The number of replicas that is wanted; delays are Ray Serve's."""
        fewest = context.capacity_adjusted_min_replicas
        if not context.current_num_replicas:
            return max(fewest, 1 if context.total_num_requests else 0), {}
        by_replica = (context.aggregated_metrics or {}).get(IMAGES, {})
        images = sum(by_replica.values()) + (context.total_queued_requests or 0)
        return max(fewest, math.ceil(images / self._target_images)), {}
