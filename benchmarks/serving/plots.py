"""The chart: what an image costs, and how many there are, at growing concurrency."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.serving.contestants import OURS, OURS_QUANTISED
from benchmarks.serving.plan import HEADLINE_CONCURRENCY
from benchmarks.serving.results import Figures, Spread, at

OUR_COLOURS = {OURS: "tab:red", OURS_QUANTISED: "tab:pink"}
COLOURS = (
    "tab:blue",
    "tab:orange",
    "tab:green",
    "tab:purple",
    "tab:brown",
    "tab:cyan",
    "tab:olive",
)


def overview(record: Figures) -> Figure:
    """CPU-ms per image at one concurrency, and images/s at all of them."""
    figure = Figure(figsize=(11, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    measured = [entry for entry in record["contestants"] if entry["figures"]]
    rivals = [entry["name"] for entry in measured if entry["name"] not in OUR_COLOURS]
    colours = OUR_COLOURS | dict(zip(rivals, COLOURS, strict=False))
    _cost(left, measured, colours, least_cpu_ms(record))
    _throughput(right, measured, colours, record["plan"]["concurrencies"])
    return figure


def least_cpu_ms(record: Figures) -> float:
    """Of the bare work, at whichever batch size it is cheapest."""
    costs = [at(cell, "cpu_ms") for cell in record["limit"].values()]
    return min(cost.median for cost in costs if cost is not None)


def _cost(axes: Axes, measured: list[Figures], colours: dict[str, str], least: float) -> None:
    path = f"closed/{HEADLINE_CONCURRENCY}/cpu_ms"
    cells = [(entry, cell) for entry in measured if (cell := at(entry["figures"], path))]
    cells.sort(key=lambda pair: pair[1].median, reverse=True)
    for entry, cell in cells:
        axes.barh(
            entry["title"], cell.median, color=colours[entry["name"]],
            xerr=[[cell.median - cell.low], [cell.high - cell.median]], capsize=3,
        )  # fmt: skip
        axes.annotate(
            f"{cell.median:.2f}", (cell.high, entry["title"]), (5, 0),
            textcoords="offset points", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    axes.axvline(least, color="black", linestyle="--", linewidth=1)
    axes.set_title(f"dashed: no server at all, {least:.2f}", fontsize="medium", loc="left")
    axes.margins(x=0.12)
    axes.set_xlabel(f"server CPU-ms per image, {HEADLINE_CONCURRENCY} connections (less is better)")
    axes.spines[["top", "right"]].set_visible(False)


def _throughput(
    axes: Axes, measured: list[Figures], colours: dict[str, str], concurrencies: list[int]
) -> None:
    for entry in measured:
        closed = entry["figures"]["closed"]
        cells = {int(c): at(cell, "images_per_second") for c, cell in closed.items()}
        known: dict[int, Spread] = {c: cell for c, cell in cells.items() if cell is not None}
        is_ours = entry["name"] in OUR_COLOURS
        axes.plot(
            list(known), [cell.median for cell in known.values()],
            marker="o", label=entry["title"], color=colours[entry["name"]],
            linewidth=2.5 if is_ours else 1.3, zorder=3 if is_ours else 2,
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_xticks(concurrencies, map(str, concurrencies))
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("connections")
    axes.set_ylabel("images/s (more is better)")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
