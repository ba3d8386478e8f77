"""What a data set says of itself: manifest.json and labels.csv. Knows no archive and no HTTP.

Both are known before the first image is made, and hold no time: equal data sets are equal bytes.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

from app.datasets.plan import DatasetPlan
from app.reproducibility import Reproducibility
from app.version import service_version

MANIFEST = "manifest.json"
LABELS = "labels.csv"

_ROWS = 512  # of labels.csv at a time: less than a millisecond
_HEADINGS = ("file", "seed", "label_index", "label")


def manifest_of(plan: DatasetPlan, reproducibility: Reproducibility) -> dict[str, Any]:
    """All that is needed to know what the images are and to make them again."""
    model, card = plan.model, plan.model.card
    counts = plan.rule.num_images(plan.seed, plan.num_images)
    return {
        "ganserve": service_version(),
        "model": f"{model.name}/{model.version}",
        "digest": model.digest,
        "execution_provider": model.execution_provider,
        "reproducibility_key": reproducibility.key_of(model),
        "seed": plan.seed,
        "num_images": plan.num_images,
        "seeds": "image i has the seed (seed + i) mod 2^32",
        "label_rule": plan.rule.name,
        "class_names": list(card.class_names),
        "images_per_class": dict(zip(card.class_names, counts, strict=True)),
        "truncation": plan.truncation,
        "format": plan.format,
        "height": card.height,
        "width": card.width,
        "channels": card.channels,
        "trained_on": card.dataset,
        "data_licence": card.data_licence,
        "metrics": {
            name: metric.model_dump(exclude_none=True) for name, metric in card.metrics.items()
        },
    }


def manifest_bytes(plan: DatasetPlan, reproducibility: Reproducibility) -> bytes:
    return json_bytes(manifest_of(plan, reproducibility))


def json_bytes(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()


def label_blocks(plan: DatasetPlan) -> Iterator[bytes]:
    """The rows of labels.csv, some at a time; nothing where the model has no classes."""
    if not plan.rule.num_classes:
        return
    names = plan.model.card.class_names
    yield _csv([_HEADINGS])
    for first, num_images in plan.chunks(_ROWS):
        seeds, labels = plan.seeds(first, num_images), plan.labels(first, num_images) or ()
        pairs = zip(seeds, labels, strict=True)
        yield _csv([(plan.path(seed, label), seed, label, names[label]) for seed, label in pairs])


def _csv(rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
