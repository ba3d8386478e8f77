"""Cures: what this run can try against a disease, as options of ``gantrain train``.

A cure that the run has tried already, or that its system has no use for, is None.
"""

from training.doctor.course import Course
from training.doctor.disease import Remedy
from training.systems import load_system

MAX_PACK = 4
NOISE = (0.1, 0.2)  # tried one after the other
FAR = 2  # times a tuned learning rate: far from it


def tuned_rates(course: Course) -> Remedy | None:
    """Back to the tuned learning rates, where one is far from them."""
    config, tuned = course.config, load_system(course.config.system).defaults
    rates = {
        "generator_lr": (config.generator_lr, tuned.generator_lr),
        "discriminator_lr": (config.discriminator_lr, tuned.discriminator_lr),
    }
    far = {
        name: right
        for name, (rate, right) in rates.items()
        if not right / FAR <= rate <= FAR * right
    }
    if not far:
        return None
    return Remedy("go back to the learning rates that its system was tuned with", far)


def lower_rates(course: Course) -> Remedy | None:
    both = {"generator_lr": 0.5, "discriminator_lr": 0.5}
    return _scaled_rates(course, "halve both learning rates", both)


def lower_generator_rate(course: Course) -> Remedy | None:
    return _scaled_rates(course, "let the generator take smaller steps", {"generator_lr": 0.5})


def lower_discriminator_rate(course: Course) -> Remedy | None:
    advice = "let the discriminator learn more slowly"
    return _scaled_rates(course, advice, {"discriminator_lr": 0.5})


def raise_discriminator_rate(course: Course) -> Remedy | None:
    return _scaled_rates(course, "let the discriminator learn faster", {"discriminator_lr": 2})


def full_precision(course: Course) -> Remedy | None:
    if course.config.precision == "fp32":
        return None
    return Remedy("multiply in full precision", {"precision": "fp32"})


def pack(course: Course) -> Remedy | None:
    """Lin et al., NeurIPS 2018: a discriminator that sees several images at once sees that they are
    the same."""
    config = course.config
    wider = 2 * config.pack
    if course.is_conditional or course.is_translator or wider > MAX_PACK:
        return None
    if config.process_batch_size % wider:
        return None
    return Remedy(f"let the discriminator judge {wider} images together", {"pack": wider})


def penalise_gradients(course: Course) -> Remedy | None:
    """Mescheder, Geiger and Nowozin, ICML 2018: R1 and R2 keep a discriminator smooth."""
    config = course.config
    if config.r1_gamma or config.r2_gamma or config.loss == "wasserstein" or course.is_translator:
        return None
    return Remedy("keep the discriminator smooth", {"r1_gamma": 1, "r2_gamma": 1})


def keep_lipschitz(course: Course) -> Remedy | None:
    """Gulrajani et al., NeurIPS 2017: without it a critic's logits mean nothing."""
    config = course.config
    if config.loss != "wasserstein" or config.gradient_penalty or config.weight_clip:
        return None
    return Remedy("bound the slope of the critic", {"gradient_penalty": 10})


def more_noise(course: Course) -> Remedy | None:
    """Soenderby et al., ICLR 2017: noise on reals and fakes keeps them from being told apart."""
    config = course.config
    louder = [noise for noise in NOISE if noise > config.instance_noise]
    if not louder or config.loss == "wasserstein":
        return None
    return Remedy("make the discriminator's task harder", {"instance_noise": louder[0]})


def non_saturating(course: Course) -> Remedy | None:
    """Goodfellow et al., NeurIPS 2014, section 3."""
    if course.config.loss != "minimax":
        return None
    advice = "play the game whose gradient is strongest where the discriminator wins"
    return Remedy(advice, {"loss": "non-saturating"})


def stop_earlier(course: Course) -> Remedy:
    _, distances = course.distances()
    kimg, _ = min(distances, key=lambda point: point[1])
    advice = (
        f"stop earlier: the best weights, of {kimg:g} kimg, are kept in best.safetensors, and are "
        "what export takes"
    )
    shorter = {"kimg": kimg}
    if course.config.decay_kimg:  # its learning rates fall as much sooner
        shorter["decay_kimg"] = round(course.config.decay_kimg * kimg / course.config.kimg, 3)
    return Remedy(advice, shorter)


def mend_data(course: Course) -> Remedy:
    return Remedy(
        "scale the pixels of the image files to use 0 to 255, and train anew on those", {}
    )


def check_labels(course: Course) -> Remedy:
    return Remedy("look at some images of each class: is every one in the right sub-folder?", {})


def bound_generator(course: Course) -> Remedy:
    return Remedy("end the generator of this system in a Tanh", {})


def _scaled_rates(course: Course, advice: str, factors: dict[str, float]) -> Remedy | None:
    """Rates times these factors; None where the tuned ones are to be tried first."""
    if tuned_rates(course):
        return None
    rates = {
        name: min(float(f"{factor * getattr(course.config, name):.3g}"), 1.0)
        for name, factor in factors.items()
    }
    return Remedy(advice, rates)
