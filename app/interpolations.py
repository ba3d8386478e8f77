"""What is asked of /interpolate, defaults filled in: frames between seeds. Knows no HTTP."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

from app.animations import ANIMATIONS, APNG, Frames
from app.catalogue import Catalogue
from app.choices import generator_for, label_index, require_ready
from app.class_choices import Weights, between
from app.encoders import ENCODERS, PNG
from app.errors import InvalidParameter
from app.interpolate_parameters import ANIMATION, STRIP, InterpolateParameters
from app.layouts import compose_grid, enlarge
from app.mixtures import require_mixing
from app.pixels import MAX_PIXELS, MAX_SIDE, Pixels
from app.served_model import ServedModel
from contract import NUM_SEEDS, ModelCard


@dataclass(frozen=True)
class Interpolation:
    """One request with every default filled in."""

    model: ServedModel
    is_pinned: bool  # the model was asked for by its digest
    seeds: tuple[int, ...]
    is_seeded: bool  # the seeds were asked for, not drawn
    num_frames: int
    loop: bool
    fps: int
    format: str  # of the animation
    layout: str
    labels: tuple[int, ...] | None  # one for each seed; None: a model without classes
    truncation: float | None
    scale: int

    @property
    def media_type(self) -> str:
        return (ENCODERS[PNG] if self.layout == STRIP else ANIMATIONS[self.format]).media_type

    @cached_property
    def places(self) -> list[tuple[int, int, float]]:
        """Of each frame: which seed it comes from, which it goes to, and how far it is.

        In a loop the last leg leads back to the first seed, which is not shown again.
        """
        num_seeds = len(self.seeds)
        num_legs, num_steps = (
            (num_seeds, self.num_frames) if self.loop else (num_seeds - 1, self.num_frames - 1)
        )
        places = []
        for frame in range(self.num_frames):
            leg, rest = divmod(frame * num_legs, num_steps)
            places.append((leg % num_seeds, (leg + 1) % num_seeds, rest / num_steps))
        return places

    @property
    def class_weights(self) -> Weights | None:
        """Of each frame, (num_frames, num_classes), where the class changes on the way."""
        if self.labels is None or len(set(self.labels)) == 1:
            return None
        labels = self.labels
        here, there, fractions = zip(*self.places, strict=True)
        return between(
            [labels[each] for each in here],
            [labels[each] for each in there],
            fractions,
            self.model.card.num_classes,
        )

    def of(self, variant: ServedModel) -> Self:
        """The same asked of the model as it is on another kind of replica."""
        return replace(self, model=variant)

    def identity(self) -> dict[str, object]:
        """What decides the bytes of the answer, but for the runtime."""
        return {
            "interpolation": self.layout,
            "model": f"{self.model.name}/{self.model.version}",
            "digest": self.model.digest,
            "execution_provider": self.model.execution_provider,
            "seeds": self.seeds,
            "frames": self.num_frames,
            "loop": self.loop,
            "fps": self.fps,
            "format": self.format,
            "labels": self.labels,
            "truncation": self.truncation,
            "scale": self.scale,
        }


def take_interpolation(
    parameters: InterpolateParameters, *, registry: Catalogue, max_images: int
) -> Interpolation:
    """Fill in what the parameters leave open.

    A conditional model without a label stays in the class of the first seed.

    Raises:
        ModelNotFound, LabelNotFound: not served, or not a class of the model.
        InvalidParameter: the model cannot do what is asked, or the answer would be too large.
        NotReady: nothing is served.
    """
    require_ready(registry)
    model = generator_for(parameters.model, parameters.label or parameters.labels, registry)
    _check_fits(parameters, model.card, max_images=max_images)
    seeds = parameters.seeds or [secrets.randbelow(NUM_SEEDS) for _ in range(2)]
    return Interpolation(
        model=model,
        is_pinned="@" in (parameters.model or ""),
        seeds=tuple(seeds),
        is_seeded=parameters.seeds is not None,
        num_frames=parameters.frames,
        loop=parameters.loop,
        fps=parameters.fps,
        format=parameters.format or APNG,
        layout=parameters.layout,
        labels=_labels(parameters, seeds, model),
        truncation=parameters.truncation,
        scale=parameters.scale,
    )


def render(order: Interpolation, images: Pixels) -> bytes:
    """The frames as a file."""
    if order.layout == STRIP:
        row = enlarge(compose_grid(images, order.num_frames), order.scale)
        return ENCODERS[PNG].encode(row, provenance(order))
    enlarged = images.repeat(order.scale, axis=1).repeat(order.scale, axis=2)
    frames = Frames(enlarged, order.fps, order.loop, provenance(order))
    return ANIMATIONS[order.format].encode(frames)


def provenance(order: Interpolation) -> str:
    """How an animation was made, as JSON: enough to make it again."""
    names = order.model.card.class_names
    made_from = {
        "digest": order.model.digest,
        "seeds": order.seeds,
        "frames": order.num_frames,
        "loop": order.loop,
        "labels": None if order.labels is None else [names[label] for label in order.labels],
        "truncation": order.truncation,
        "scale": order.scale,
    }
    return json.dumps(made_from, separators=(",", ":"))


def _labels(
    parameters: InterpolateParameters, seeds: Sequence[int], model: ServedModel
) -> tuple[int, ...] | None:
    num_classes = model.card.num_classes
    if parameters.labels is None:
        if parameters.label is not None:
            return (label_index(parameters.label, model),) * len(seeds)
        return (seeds[0] % num_classes,) * len(seeds) if num_classes else None
    if parameters.label is not None:
        raise InvalidParameter("label and labels are asked for; one of the two would be right")
    if len(parameters.labels) != len(seeds):
        raise InvalidParameter(
            f"{len(parameters.labels)} labels for {len(seeds)} seeds; one for each would be right"
        )
    labels = tuple(label_index(each, model) for each in parameters.labels)
    if len(set(labels)) > 1:
        require_mixing(model)
    return labels


def _check_fits(parameters: InterpolateParameters, card: ModelCard, *, max_images: int) -> None:
    n, scale = parameters.frames, parameters.scale
    if n > max_images:
        raise InvalidParameter(f"frames must be an integer from 2 to {max_images}, not {n}")
    if parameters.layout == STRIP and parameters.format is not None:
        raise InvalidParameter(
            f"format {parameters.format!r} is that of an animation, and layout 'strip' is a PNG; "
            f"one of the two would be right"
        )
    width, height = card.width * scale, card.height * scale
    if parameters.layout == STRIP:
        width *= n
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InvalidParameter(
            f"frames {n} and scale {scale} make an image of {width}x{height} pixels from "
            f"{card.width}x{card.height}; at most {MAX_SIDE:,} on a side and {MAX_PIXELS:,} "
            "altogether would be right"
        )
    if parameters.layout == ANIMATION and n * width * height > MAX_PIXELS:
        raise InvalidParameter(
            f"frames {n} and scale {scale} make {n * width * height:,} pixels in {n} images of "
            f"{width}x{height}; at most {MAX_PIXELS:,} in one animation would be right"
        )
