"""The figures of translators: what each means, of translations and of what they must beat.

``docs/evaluation.md`` says more. Knows no images and no networks.
"""

from collections.abc import Mapping

from contract import Metric
from training.evaluation.figures import Figure, round_figure

TRANSLATION_FIGURES = {
    "psnr": Figure(
        "peak signal-to-noise ratio in dB, at most 60 for an image, mean over images, between the "
        "true images and the translations",
        "higher",
    ),
    "ssim": Figure(
        "structural similarity (Gaussian window of 11 pixels), mean over images, between the true "
        "images and the translations",
        "higher",
    ),
    "pair_error": Figure(
        "root-mean-square difference over all pixels, in grey levels of 255, between the true "
        "images and the translations",
        "lower",
    ),
    "colourfulness": Figure(
        "highest minus lowest channel of a pixel, 0 for grey, mean over all pixels and divided by "
        "that of the true images",
        "as real",
    ),
    "frechet_distance": Figure(
        "Frechet distance, in the features of the last hidden layer of {judge}, between "
        "{num_reference} training images of the target domain and the translations",
        "lower",
    ),
    "cycle_error": Figure(
        "root-mean-square difference of held-out images and what comes back through the other "
        "translator, in grey levels of 255; no measure of quality: doing nothing has 0",
        "neither",
    ),
}
BASELINES = {  # what else a figure can be of: the end of its name
    "do_nothing": "the sources as they are (grey in three equal channels, or the mean of three)",
    "nearest_tint": "the sources, each in the one tint that is the mean colour of the colour image "
    "of training nearest to it in mean brightness",
    "mean_colour": "the sources with each grey level in its mean colour, learnt from the colour "
    "images of training",
}


def as_translation_metric(
    name: str,
    value: float,
    *,
    num_images: int,
    facts: Mapping[str, str],
    baseline: str = "",
    floor: float | None = None,
) -> Metric:
    """A measured figure for a model card; ``facts`` fill the places of its sentence."""
    protocol = TRANSLATION_FIGURES[name].protocol.format_map(facts)
    if baseline:
        protocol = f"as `{name}`, of {BASELINES[baseline]} in place of the translations"
    return Metric(
        value=round_figure(value),
        floor=None if floor is None else round_figure(floor),
        noise=None,
        num_images=num_images,
        protocol=protocol,
    )
