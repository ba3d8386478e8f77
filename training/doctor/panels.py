"""What the doctor's plot shows: which signals share a panel. A panel without any is left out."""

from dataclasses import dataclass

REAL, FAKE, OTHER = "#0077bb", "#aa3377", "#444444"  # apart for colour-blind eyes, too


@dataclass(frozen=True)
class Line:
    name: str  # of a signal, or of a metric
    colour: str
    label: str


@dataclass(frozen=True)
class Panel:
    title: str
    lines: tuple[Line, ...]
    is_logarithmic: bool = False
    limits: tuple[float | None, float | None] = (None, None)


PANELS = (
    Panel(
        "losses",
        (
            Line("discriminator_loss", REAL, "discriminator"),
            Line("generator_loss", FAKE, "generator"),
        ),
    ),
    Panel(
        "pairs told apart (0.5: guessing)",
        (Line("told_apart", OTHER, "real ranked above fake"),),
        limits=(-0.03, 1.03),
    ),
    Panel("logits", (Line("real_logits", REAL, "reals"), Line("fake_logits", FAKE, "fakes"))),
    Panel(
        "generator's gradient norm (logarithmic)",
        (Line("generator_gradient_norm", FAKE, "gradient norm"),),
        is_logarithmic=True,
    ),
    Panel(
        "spread: how different images are",
        (Line("real_spread", REAL, "reals"), Line("fake_spread", FAKE, "fakes")),
        limits=(0, None),
    ),
    Panel(
        "share of saturated pixels",
        (Line("real_saturated", REAL, "reals"), Line("fake_saturated", FAKE, "fakes")),
        limits=(-0.03, 1.03),
    ),
    Panel(
        "lowest and highest pixel of a batch",
        (
            Line("real_low", REAL, "reals"),
            Line("real_high", REAL, ""),
            Line("fake_low", FAKE, "fakes"),
            Line("fake_high", FAKE, ""),
        ),
    ),
    Panel(
        "Frechet distance (logarithmic, lower is better)",
        (Line("frechet_distance", OTHER, "Frechet distance"),),
        is_logarithmic=True,
    ),
    Panel(
        "error of held-out pairs (lower is better)",
        (Line("pair_error_a2b", REAL, "a to b"), Line("pair_error_b2a", FAKE, "b to a")),
    ),
    Panel(
        "shares that are measured",
        (
            Line("coverage", REAL, "coverage"),
            Line("class_diversity", FAKE, "class diversity"),
            Line("label_accuracy", OTHER, "label accuracy"),
        ),
    ),
    Panel("classes seen", (Line("classes_seen", OTHER, "classes seen"),), limits=(0, None)),
)
