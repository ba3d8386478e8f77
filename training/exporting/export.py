"""From a finished run to models of the repository: checked and whole, or nothing is written."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import nn

from contract import ModelCard
from training.config import TrainConfig
from training.evaluation.metrics_file import filename_of, metrics_of
from training.exporting.checked_graph import Weights, build_checked_graph
from training.exporting.fidelity import fidelity_of_export
from training.exporting.finished_runs import load_generators
from training.exporting.held_out_sources import HeldOutSources, load_held_out
from training.exporting.model_names import choose_destinations
from training.exporting.model_preview import draw_preview
from training.exporting.model_readme import write_readme
from training.exporting.model_repository import (
    MODEL,
    PREVIEW,
    README,
    check_destination,
    publish_all,
)
from training.systems import load_system


def export(
    run_dir: Path,
    destination: Path,
    *,
    names: Sequence[str] | None = None,
    weights: Weights = "fp32",
    data_dir: Path | None = None,
) -> list[Path]:
    """Write the next version of each model of a run, with figures if this very graph was measured.

    Args:
        run_dir: a finished run.
        destination: ``models/NAME``; its parent is the model repository.
        names: of both models of a run of translators, instead of NAME-a2b and NAME-b2a.
        weights: how the file stores them; they are computed with as fp32.
        data_dir: where the data of translators is looked for, to compare and to show real images.

    Returns:
        The version directories written, with ``model.onnx``, ``README.md`` and ``preview.png``.

    Raises:
        TrainingError: the run is not finished, a name cannot be served, or ONNX and PyTorch
            differ; nothing was written.
    """
    destinations = choose_destinations(run_dir, destination, names)
    for path in (destination, *destinations):
        check_destination(path)
    loaded = load_generators(run_dir, [path.name for path in destinations])
    config, sources = TrainConfig.load(run_dir), HeldOutSources()
    if load_system(config.system).kind == "translator":
        sources = load_held_out(config, loaded[0][1], data_dir)
    models = {
        path: _files(run_dir, generator, card, weights, sources)
        for path, (generator, card) in zip(destinations, loaded, strict=True)
    }
    return publish_all(models)


def _files(
    run_dir: Path, generator: nn.Module, card: ModelCard, weights: Weights, held_out: HeldOutSources
) -> Mapping[str, bytes]:
    """Content of every file of a model by its name."""
    graph = build_checked_graph(
        generator, card, weights=weights, sources=held_out.for_comparison(card)
    )
    metrics = metrics_of(run_dir, graph.sha256, weights=weights, filename=filename_of(card))
    card = card.model_copy(update={"metrics": metrics})
    content = graph.content(card)
    shown = held_out.for_preview(card)
    readme = write_readme(
        card,
        num_bytes=len(content),
        weights="float32" if graph.half is None else "float16",
        fidelity=fidelity_of_export(graph.parity, graph.half),
        shows_real=shown is not None,
    )
    preview = draw_preview(content, card, shown)
    return {MODEL: content, PREVIEW: preview, README: readme.encode()}
