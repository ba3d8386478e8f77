"""python -m benchmarks.scale: measure this machine, simulate many of them, write docs/scale.md.

``--keep-measured`` simulates again with what was measured before.
"""

import argparse
import logging
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import structlog

from benchmarks.scale import arrivals, measuring, page, plan, plots, results, simulating
from benchmarks.scale.simulation import simulate
from benchmarks.scale.undisturbed import undisturbed
from benchmarks.scale.validating import ask_at


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--keep-measured", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    record = results.load() if options.keep_measured else measure()
    results.save(record)
    record["simulated"] = simulating.all_of_it(record["measured"])
    results.save(record)
    plots.draw(record)
    page.write(record)


def measure() -> dict[str, Any]:
    with undisturbed() as is_undisturbed:
        models = measuring.open_models(*plan.MODELS, plan.LIGHT, *plan.SIZED)
        names = (*plan.MODELS, plan.LIGHT)
        with measuring.on_one_core(0):
            bare_ms = {
                name: {
                    str(size): round(1000 * measuring.run_seconds(models[name], size), 4)
                    for size in measuring.BATCH_SIZES
                }
                for name in names
            }
        measured = {
            "bare_ms": bare_ms,
            "service": {name: asdict(measuring.service_cost(models[name])) for name in names},
            "answer": asdict(measuring.answer_cost(models[plan.LIGHT])),
            "bytes": {name: measuring.file_bytes(models[name]) for name in plan.SIZED},
        }
        live = [_compare(models[name], measured, load) for name, load in plan.LIVE]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": results.machine(),
        "undisturbed": is_undisturbed,
        "measured": measured,
        "live": live,
    }


def _compare(model: measuring.LoadedModel, measured: dict[str, Any], load: float) -> dict[str, Any]:
    """The service on one core, and the simulation of it, under the same arrivals."""
    times = simulating.times_of(measured, model.name)
    rate = load * simulating.capacity(times, cores=1)
    come = arrivals.poisson(rate, seconds=plan.LIVE_S, rng=np.random.default_rng(plan.SEED))
    expected = simulate(
        times, plan.ONE_CORE, come, warm_up_s=plan.LIVE_WARM_UP_S, rng=np.random.default_rng(0)
    )
    rounds = [
        asdict(ask_at(model, come.times.tolist(), warm_up_s=plan.LIVE_WARM_UP_S))
        for _ in range(plan.LIVE_ROUNDS)
    ]
    return {
        "model": model.name,
        "load": load,
        "rate": round(rate, 1),
        "rounds": rounds,
        "simulated": {name: getattr(expected, name) for name in rounds[0]},
    }


if __name__ == "__main__":
    main()
