"""``python -m training`` that goes on after its second tick when its standard input has ended.

So a signal that is sent late comes in the middle of the run, too.
"""

import sys

from training.cli import main
from training.reports import Reporter

really_tick = Reporter.tick
num_ticks = 0


def tick(reporter: Reporter, figures: dict[str, float]) -> None:
    global num_ticks
    really_tick(reporter, figures)
    num_ticks += 1
    if num_ticks == 2:
        sys.stdin.read()


Reporter.tick = tick  # type: ignore[method-assign]
sys.exit(main())
