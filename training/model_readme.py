"""What people see of an exported model: its README and its preview, drawn by the file itself."""

import numpy as np
import onnxruntime

from contract import IMAGES, LABEL, LATENT, ModelCard, image_seeds, sample_latents
from training.evaluation.tables import metrics_table, protocols
from training.grids import image_grid, png_bytes
from training.half_weights import HalfFidelity
from training.model_repository import PREVIEW
from training.parity import Parity
from training.systems import load_system

PREVIEW_COLUMNS = 10
PREVIEW_ROWS = 8  # of a model without classes; one with classes gets a row for each


def draw_preview(content: bytes, card: ModelCard) -> bytes:
    """A PNG grid of the images of seeds 0, 1, 2, ...: one row a class, or as they come."""
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    rows = card.num_classes or PREVIEW_ROWS
    inputs = {LATENT: sample_latents(image_seeds(0, rows * PREVIEW_COLUMNS), card.latent_dim)}
    if card.is_conditional:
        inputs[LABEL] = np.repeat(np.arange(rows, dtype=np.int64), PREVIEW_COLUMNS)
    (images,) = session.run([IMAGES], inputs)
    return png_bytes(image_grid(images, PREVIEW_COLUMNS))


def write_readme(
    card: ModelCard, parity: Parity, *, num_bytes: int, half: HalfFidelity | None = None
) -> str:
    """The model card for people, in Markdown; ``half`` of a file with float16 weights."""
    classes = ", ".join(card.class_names) if card.is_conditional else "none (unconditional)"
    colour = "grey" if card.channels == 1 else "RGB"
    facts = {
        "system": f"{card.system}: {load_system(card.system).summary}",
        "images": f"{card.width} x {card.height} pixels, {colour}",
        "classes": classes,
        "latent": f"{card.latent_dim} components, standard normal",
        "trained on": f"{card.dataset} (sha256 of pixels and labels `{card.dataset_fingerprint}`)",
        "licence of the data": card.data_licence,
        "training length": f"{card.kimg:g} thousand real images shown",
        "file": f"`model.onnx`, {num_bytes / 1e6:.1f} MB",
        "weights": f"stored as {'float32' if half is None else 'float16'}",
        "made": f"{card.created_at:%Y-%m-%d}, commit `{card.git_commit or 'unknown'}`",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    recipe = "\n".join(f"| {name} | `{value}` |" for name, value in card.recipe.items())
    rows = "one row a class" if card.is_conditional else "seeds from 0 on, row by row"
    return f"""# {card.name}

![{card.name}: {rows}]({PREVIEW})

The preview shows what this file generates, unselected: {rows}.

| | |
| --- | --- |
{table}

Parity with PyTorch, checked at export on {parity.num_images} images: at most
{parity.max_float_difference:.1g} grey levels apart before rounding, {parity.num_differing_bytes}
bytes differ after it.{_half_sentence(half)}

## Use

```
{_example(card)}
```

{_measured(card)}## Recipe

| option | value |
| --- | --- |
{recipe}
"""


def _half_sentence(half: HalfFidelity | None) -> str:
    if half is None:
        return ""
    return f"""

The weights are stored as float16 and computed with as float32: on {half.num_images} images at most
{half.max_difference:.2g} grey levels from full weights before rounding, {half.share_apart:.2%} of
bytes differ after it."""


def _measured(card: ModelCard) -> str:
    if not card.metrics:
        return ""
    return f"""## Measured

On images of seeds 0, 1, 2, ... as this file serves them, beside real images that training never
saw and images of random pixels.

{metrics_table(card.metrics)}

{protocols(card.metrics)}

"""


def _example(card: ModelCard) -> str:
    label = f"/{card.num_classes - 1}" if card.is_conditional else ""
    return f"curl 'http://127.0.0.1:8000/generate{label}?model={card.name}&seed=42' -o image.png"
