"""What people read of an exported model: its card in Markdown."""

from contract import ModelCard
from training.evaluation.tables import metrics_table, protocols
from training.exporting.half_weights import HalfFidelity
from training.exporting.model_repository import PREVIEW
from training.exporting.model_wording import wording_of
from training.exporting.parity import Parity
from training.systems import load_system


def write_readme(
    card: ModelCard,
    parity: Parity,
    *,
    num_bytes: int,
    half: HalfFidelity | None = None,
    shows_real: bool = False,
) -> str:
    """The model card for people.

    Args:
        half: of a file with float16 weights.
        shows_real: the preview of a translator is of real images.
    """
    wording = wording_of(card, shows_real=shows_real)
    facts = {
        "system": f"{card.system}: {load_system(card.system).summary}",
        **wording.facts,
        "trained on": f"{card.dataset} (sha256 of pixels and labels `{card.dataset_fingerprint}`)",
        "licence of the data": card.data_licence,
        "training length": f"{card.kimg:g} thousand real images shown",
        "file": f"`model.onnx`, {num_bytes / 1e6:.1f} MB",
        "weights": f"stored as {'float32' if half is None else 'float16'}",
        "made": f"{card.created_at:%Y-%m-%d}, commit `{card.git_commit or 'unknown'}`",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    recipe = "\n".join(f"| {name} | `{value}` |" for name, value in card.recipe.items())
    return f"""# {card.name}

![{card.name}: {wording.caption}]({PREVIEW})

{wording.preview}

| | |
| --- | --- |
{table}

Parity with PyTorch, checked at export on {parity.num_images} images: at most
{parity.max_float_difference:.1g} grey levels apart before rounding, {parity.num_differing_bytes}
bytes differ after it.{_half_sentence(half)}

## Use

```
{wording.example}
```

{_measured(card, wording.measured)}## Recipe

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


def _measured(card: ModelCard, introduction: str) -> str:
    if not card.metrics:
        return ""
    return f"""## Measured

{introduction}

{metrics_table(card.metrics)}

{protocols(card.metrics)}

"""
