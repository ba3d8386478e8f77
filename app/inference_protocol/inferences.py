"""Tensors to images on the engine. Knows no body and no HTTP."""

from dataclasses import dataclass

from app.engine import Engine
from app.errors import InvalidParameter
from app.inference_protocol.bodies import Inference
from app.inference_protocol.tensors import SEED
from app.pixels import Pixels
from app.runners import made_by
from app.served_model import ServedModel
from contract import LABEL, LATENT, SOURCE


@dataclass(frozen=True)
class Inferred:
    images: Pixels  # (N, H, W, C)
    queue_seconds: float
    inference_seconds: float
    made_by: ServedModel | None = None  # as in ``BatchedElsewhere``


async def infer(
    model: ServedModel, asked: Inference, engine: Engine, *, max_images: int, timeout_s: float
) -> Inferred:
    """Run a model on what is asked for.

    Raises:
        InvalidParameter: neither or both of seeds and latents, too many rows, a row out of range.
        LabelNotFound: a label is not a class index of the model.
        QueueFull, DeadlineExceeded, InferenceFailed, Draining: as in ``DynamicBatcher.submit``.
    """
    if not 1 <= asked.num_images <= max_images:
        raise InvalidParameter(
            f"the inputs have {asked.num_images} rows; 1 to {max_images} would be right"
        )
    if model.card.kind == "translator":
        sources = asked.inputs[SOURCE]
        done = await engine.translator(model).translate_sources(sources, timeout_s=timeout_s)
        return Inferred(done.images, done.queue_seconds, done.inference_seconds, made_by(done))
    if (SEED in asked.inputs) == (LATENT in asked.inputs):
        raise InvalidParameter(f"either {SEED!r} or {LATENT!r} would be right, not both or neither")
    labels, latents = asked.inputs.get(LABEL), asked.inputs.get(LATENT)
    generated = await engine.generator(model).generate_rows(
        seeds=None if latents is not None else asked.inputs[SEED].tolist(),
        latents=latents,
        labels=None if labels is None else labels.tolist(),
        timeout_s=timeout_s,
    )
    return Inferred(
        generated.images,
        generated.queue_seconds,
        generated.inference_seconds,
        generated.made_by,
    )
