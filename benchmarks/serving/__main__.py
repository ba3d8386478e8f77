"""python -m benchmarks.serving: install the contestants, measure them in rounds, tell the results.

Interrupted, it goes on with --resume. ``python -m benchmarks.serving.page`` makes the page.
"""

import argparse
import dataclasses
import signal
import sys
from pathlib import Path

from benchmarks.serving import pixels, plan, record, results, tools
from benchmarks.serving.contestants import CONTESTANTS
from benchmarks.serving.run import Run
from benchmarks.serving.serving import ROOT
from benchmarks.serving.site import NoModel, prepare_site


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that servers are stopped
    options = _parse()
    try:
        tools.require_tools()
        site = prepare_site(options.model, options.work, options.quantised)
        chosen = [each for each in CONTESTANTS if each.name in options.contestants]
        run = Run(site, _plan(options), chosen, options.out / "visits.jsonl", options.resume)
        run.install()
        run.rehearse()
        run.measure()
    except (tools.ToolMissing, NoModel, record.OtherRun, pixels.WrongPixels) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; --resume goes on")
    path = options.out / "results.json"
    results.save(run.results(), path)
    print(f"wrote {path}; for the page: python -m benchmarks.serving.page {path} PAGE.md")


def _parse() -> argparse.Namespace:
    names = [contestant.name for contestant in CONTESTANTS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving", description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--contestants", nargs="+", metavar="NAME", choices=names, default=names,
        help=f"of {', '.join(names)}",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=Path, default=ROOT / "models" / "dcgan-mnist",
        help="a folder of versions, of which the highest is taken, or one version's",
    )  # fmt: skip
    parser.add_argument(
        "--quantised",
        type=Path,
        default=ROOT / "models" / "dcgan-mnist-int8",
        help="the same model after gantrain quantize, likewise",
    )
    parser.add_argument("--rounds", type=int, default=plan.Plan.rounds)
    parser.add_argument("--seconds", type=float, default=plan.Plan.seconds, help="per cell")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "runs" / "bench-serving",
        help="where environments, logs and the model's copy lie",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, help="of the visits and results; default: measured or quick in --work"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the visits in --out")
    parser.add_argument("--quick", action="store_true", help="rehearse: one short round")
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.out = options.out or options.work / ("quick" if options.quick else "measured")
    return options


def _plan(options: argparse.Namespace) -> plan.Plan:
    if options.quick:
        return plan.QUICK
    return dataclasses.replace(plan.Plan(), rounds=options.rounds, seconds=options.seconds)


if __name__ == "__main__":
    main()
