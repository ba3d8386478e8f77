"""What people read of an exported model: its card in Markdown."""

from contract import ModelCard
from training.evaluation.tables import metrics_table, protocols
from training.exporting.model_repository import PREVIEW
from training.exporting.model_wording import wording_of
from training.systems import load_system


def write_readme(
    card: ModelCard, *, num_bytes: int, weights: str, fidelity: str, shows_real: bool = False
) -> str:
    """The model card for people.

    Args:
        weights: how the file stores them.
        fidelity: how near it is to what it was made of, in sentences.
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
        "weights": f"stored as {weights}",
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

{fidelity}

## Use

```
{wording.example}
```

{_measured(card, wording.measured)}## Recipe

| option | value |
| --- | --- |
{recipe}
"""


def _measured(card: ModelCard, introduction: str) -> str:
    if not card.metrics:
        return ""
    return f"""## Measured

{introduction}

{metrics_table(card.metrics)}

{protocols(card.metrics)}

"""
