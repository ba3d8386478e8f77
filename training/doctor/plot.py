"""``doctor.png``: the signals of a run over its ticks, and when it was sick of what."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from training.atomic import atomic_path
from training.doctor.course import Course
from training.doctor.diagnosis import Finding
from training.doctor.disease import Severity
from training.doctor.guessing import guessing_loss
from training.doctor.panels import OTHER, PANELS, REAL, Line, Panel
from training.doctor.reading import Patient
from training.errors import explaining_disk_errors

FILENAME = "doctor.png"
COLOURS: dict[Severity, str] = {"fatal": "#cc3311", "serious": "#ee9944", "mild": "#ddbb33"}


LOWEST = 1e-9  # what is below it is drawn there, where the scale is logarithmic
LARGEST = 1e9
RIGHT = 1.02  # of the last tick: where the axes end


def draw(patient: Patient, findings: Sequence[Finding]) -> Path | None:
    """Write the plot; gives its path, or None where there is nothing to draw.

    Raises:
        TrainingError: it cannot be written.
    """
    course = patient.course
    panels = [panel for panel in PANELS if any(_points(course, line) for line in panel.lines)]
    if not panels:
        return None
    num_wide = len(panels) % 2  # the first panel fills the row
    num_rows = (len(panels) + num_wide) // 2
    strip = 0.35 + 0.27 * max(len(findings), 1)
    figure = Figure(figsize=(10, 0.6 + strip + 1.8 * num_rows), layout="constrained")
    grid = figure.add_gridspec(num_rows + 1, 2, height_ratios=[strip, *[1.8] * num_rows])
    end = max(course.kimg, 1e-3)

    _draw_findings(figure.add_subplot(grid[0, :]), findings, end)
    for index, panel in enumerate(panels):
        row, column = divmod(index + num_wide, 2)
        is_wide = num_wide and index == 0
        place = grid[1, :] if is_wide else grid[1 + row, column]
        axes = figure.add_subplot(place)
        _draw_panel(axes, panel, course, findings)
        axes.set_xlim(0, RIGHT * end)
    config = course.config
    figure.suptitle(
        f"{patient.run_dir.name}: {config.system} on {_short(config.data)}", fontsize=11
    )
    figure.supxlabel("real images shown (thousands)", fontsize=10)
    path = patient.run_dir / FILENAME
    with explaining_disk_errors(path), atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
    return path


def _draw_findings(axes: Axes, findings: Sequence[Finding], end: float) -> None:
    """A bar for each disease, over the time that it lasted."""
    axes.set(xlim=(0, RIGHT * end), ylim=(max(len(findings), 1) - 0.5, -0.5), yticks=[])
    axes.tick_params(labelsize=8)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    if not findings:
        axes.text(0.5 * end, 0, "nothing found", ha="center", va="center", color=OTHER)
    for row, finding in enumerate(findings):
        start, stop = _span(finding, end)
        colour = COLOURS[finding.disease.severity]
        axes.barh(row, stop - start, left=start, height=0.84, color=colour, alpha=0.4)
        is_late = start > 0.6 * end
        name = f"{finding.disease.name} ({finding.disease.severity})"
        axes.annotate(
            name, (start, row), (-5 if is_late else 5, 0), textcoords="offset points",
            ha="right" if is_late else "left", va="center", fontsize=9,
        )  # fmt: skip


def _draw_panel(axes: Axes, panel: Panel, course: Course, findings: Sequence[Finding]) -> None:
    names = {line.name for line in panel.lines}
    shown_by = [finding for finding in findings if names & _shown_in(finding)]
    for row, finding in enumerate(shown_by):
        start, stop = _span(finding, course.kimg)
        colour = COLOURS[finding.disease.severity]
        axes.axvspan(start, stop, color=colour, alpha=0.15, lw=0)
        axes.annotate(
            finding.disease.name, (start, 1), (4, -4 - 11 * row), va="top", fontsize=7.5,
            xycoords=("data", "axes fraction"), textcoords="offset points", zorder=5,
            bbox={"facecolor": "white", "alpha": 0.7, "pad": 1, "lw": 0},
        )  # fmt: skip
    lowest = LOWEST if panel.is_logarithmic else -LARGEST
    for line in panel.lines:
        points = _points(course, line)
        if points:
            kimg, values = zip(*points, strict=True)
            drawn = [min(max(value, lowest), LARGEST) for value in values]
            axes.plot(kimg, drawn, marker=".", ms=4, lw=1.4, color=line.colour, label=line.label)
    if "discriminator_loss" in names and (guessing := guessing_loss(course.config)):
        axes.axhline(guessing, color=REAL, lw=0.8, ls=":", label="discriminator that guesses")
    if panel.is_logarithmic:
        _make_logarithmic(axes)
    _limit(axes, panel)
    axes.tick_params(labelsize=8)
    axes.set_title(panel.title, fontsize=9, loc="left")
    axes.grid(alpha=0.25)
    if len(panel.lines) > 1:  # in the line of the title, where it hides nothing
        axes.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=7.5,
            borderaxespad=0.2, handlelength=1.5, columnspacing=1,
        )  # fmt: skip


def _make_logarithmic(axes: Axes) -> None:
    """Ticks at powers of ten; where there are hardly any, at 2 and 5 times them, too."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 50 * low else (1,)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_locator(NullLocator())


def _limit(axes: Axes, panel: Panel) -> None:
    low, high = panel.limits
    if low is not None and high is None:
        high = 1.08 * axes.get_ylim()[1]
    axes.set_ylim(low, high)


def _shown_in(finding: Finding) -> set[str]:
    return {*finding.disease.signals, *finding.disease.metrics}


def _points(course: Course, line: Line) -> list[tuple[float, float]]:
    return course.points(line.name) or course.metric(line.name)


def _span(finding: Finding, end: float) -> tuple[float, float]:
    """From when to when, wide enough to be seen."""
    least = 0.01 * end
    return min(finding.from_kimg, finding.to_kimg - least), finding.to_kimg


def _short(data: str) -> str:
    """``folder:PATH`` without what leads to it."""
    kind, colon, path = data.partition(":")
    return f"{kind}{colon}{Path(path).name}" if colon else kind
