"""Latency against load, as a picture."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.scale import plan

PLOT = Path(__file__).resolve().parents[2] / "docs" / "images" / "scale.png"
ARRIVALS = {"even": "at random", "mixed": "4 or 16 images now and then", "bursts": "in bursts"}

TICKS_MS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000)


def draw(record: dict[str, Any]) -> None:
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    one, many = figure.subplots(1, 2)
    rows = record["simulated"]["by_load"][plan.FLOAT]
    for number, (kind, name) in enumerate(ARRIVALS.items()):
        chosen = [row for row in rows if row["arrivals"] == kind]
        loads = [100 * row["load"] for row in chosen]
        one.plot(loads, [row["p99_ms"] for row in chosen], f"C{number}-", label=f"p99, {name}")
        one.plot(loads, [row["p50_ms"] for row in chosen], f"C{number}:", label=f"p50, {name}")
    one.set_title(f"one replica of two cores, {plan.FLOAT}")
    for number, name in enumerate({row["policy"]: 0 for row in record["simulated"]["routing"]}):
        chosen = [row for row in record["simulated"]["routing"] if row["policy"] == name]
        loads = [100 * row["load"] for row in chosen]
        many.plot(loads, [row["p99_ms"] for row in chosen], f"C{number}o-", label=f"p99, {name}")
    many.set_title(f"{plan.ROUTED_REPLICAS} replicas, by who gets the next request")
    for axes in (one, many):
        axes.set_yscale("log")
        axes.set_xlabel("load, % of capacity")
        axes.set_ylabel("ms from request to image")
        low, high = axes.get_ylim()
        ticks = [tick for tick in TICKS_MS if low <= tick <= high]
        axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper left")
    figure.savefig(PLOT, dpi=110)
