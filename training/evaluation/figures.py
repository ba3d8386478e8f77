"""The catalogue of figures: what each name means, in a sentence that travels with its value.

``docs/evaluation.md`` says more: source, what it cannot tell. Knows no images and no networks.
"""

from dataclasses import dataclass

from contract import Metric


@dataclass(frozen=True)
class Figure:
    """One figure; ``protocol`` is a sentence with places for numbers and the judge."""

    protocol: str
    better: str  # lower, higher, or as real images


FIGURES = {
    "frechet_distance": Figure(
        "Frechet distance between the features of the images and those of {num_reference} training "
        "images; features: last hidden layer of {judge}",
        "lower",
    ),
    "kernel_distance": Figure(
        "squared maximum mean discrepancy, cubic kernel, mean over 100 subsets of at most 1,000, "
        "between the features of the images and those of {num_reference} training images; "
        "features: last hidden layer of {judge}",
        "lower",
    ),
    "precision": Figure(
        "share of the images within the manifold (k = 5) of as many training images, in the "
        "features of {judge}",
        "higher",
    ),
    "recall": Figure(
        "share of as many training images within the manifold (k = 5) of the images, in the "
        "features of {judge}",
        "higher",
    ),
    "density": Figure(
        "manifold balls (k = 5) of as many training images that an image lies in, on average, "
        "divided by k, in the features of {judge}",
        "as real",
    ),
    "coverage": Figure(
        "share of as many training images with an image in their manifold ball (k = 5), in the "
        "features of {judge}",
        "higher",
    ),
    "label_accuracy": Figure(
        "share of the images that the judge reads as the class asked for, classes in turn",
        "higher",
    ),
    "class_diversity": Figure(
        "mean root-mean-square distance in pixels of two images of a class ({whose_class}), mean "
        "over all classes, divided by that of the test images",
        "as real",
    ),
    "classes_seen": Figure(
        "number of classes of {num_classes} that the judge reads in at least one image and in at "
        "least a hundredth of an equal share of all images",
        "higher",
    ),
    "class_kl": Figure(
        "KL(generated || training data) in nats of the histogram of the {num_classes} classes that "
        "the judge reads",
        "lower",
    ),
    "confident_share": Figure(
        "share of the images of whose class the judge is more than 90% sure",
        "as real",
    ),
    "copy_ratio": Figure(
        "median distance in pixels of the images to their nearest training image, divided by that "
        "of test images",
        "as real",
    ),
    "near_copies": Figure(
        "share of the images at most as far in pixels from their nearest training image as the "
        "nearest 1% of test images",
        "as real",
    ),
    "cas": Figure(
        "classification accuracy score: test accuracy on real images of the judge's network "
        "trained by its recipe on the images alone; floor: trained on real images",
        "higher",
    ),
    "inception_distance": Figure(
        "Frechet Inception distance (2048 features of the TensorFlow Inception v3 weights of "
        "2015-12-05) between the images and {num_reference} training images",
        "lower",
    ),
    "judge_accuracy": Figure(
        "accuracy on the test split of the judge of these figures, {judge_description}; sha256 of "
        "its weights {judge_sha256}",
        "higher",
    ),
}


@dataclass(frozen=True)
class Score:
    """A value and over how many images it was measured."""

    value: float
    num_images: int


def as_metric(
    name: str,
    score: Score,
    facts: dict[str, str],
    *,
    floor: float | None = None,
    noise: float | None = None,
) -> Metric:
    """A measured figure for a model card; ``facts`` fill the places of its sentence."""
    return Metric(
        value=round_figure(score.value),
        floor=None if floor is None else round_figure(floor),
        noise=None if noise is None else round_figure(noise),
        num_images=score.num_images,
        protocol=FIGURES[name].protocol.format_map(facts),
    )


def round_figure(value: float) -> float:
    """Six significant digits: more is the noise of sums in another order."""
    return float(f"{value:.6g}")
