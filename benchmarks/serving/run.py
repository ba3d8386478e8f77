"""A whole run: install, rehearse, then round after round. Knows no load generator and no page."""

import datetime
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from benchmarks.serving import results
from benchmarks.serving.contestants import Contestant
from benchmarks.serving.load.closed_loop import LoadFailed
from benchmarks.serving.load.open_loop import UNDICI, ensure_undici
from benchmarks.serving.machine import describe_machine
from benchmarks.serving.pixels import check_pixels
from benchmarks.serving.plan import Plan
from benchmarks.serving.record import Record
from benchmarks.serving.servers.seeded_images import SeededImages
from benchmarks.serving.serving import ServerFailed, serving
from benchmarks.serving.site import NoModel, Site
from benchmarks.serving.visit import Reference, visit, visit_limit

LIMIT = "physical limit"


class Run:
    """A contestant that cannot be installed or started is left out, with the reason."""

    def __init__(
        self,
        site: Site,
        plan: Plan,
        contestants: Sequence[Contestant],
        visits: Path,
        resume: bool,
    ) -> None:
        self._site, self._plan, self._contestants = site, plan, contestants
        model = {"name": site.name, "sha256": site.digest}
        self._subject = {"model": model, "plan": plan.describe()}
        self._record = Record(visits, self._subject, resume=resume)
        self._not_run = {each.name: each.not_run for each in contestants if each.not_run}
        self._pythons: dict[str, Path] = {}
        self._undici = ensure_undici(site.work)
        self._references: dict[Path, Reference] = {}

    def install(self) -> None:
        for contestant in self._runnable():
            try:
                self._pythons[contestant.name] = self._site.of(contestant).python_of(contestant)
            except CalledProcessError as error:
                self._leave_out(contestant, f"cannot be installed: {error}")
            except NoModel as error:
                self._leave_out(contestant, str(error))

    def rehearse(self) -> None:
        """Start each contestant once; a wrong image ends the run before anything is measured.

        Raises:
            WrongPixels: names the contestant and the seed.
        """
        for contestant in self._runnable():
            try:
                site = self._site.of(contestant)
                with serving(contestant, site, self._pythons[contestant.name]) as server:
                    check_pixels(
                        contestant.name, server.ask, self._reference(site),
                        tolerance=contestant.tolerance,
                    )  # fmt: skip
                _tell(f"{contestant.name}: right images")
            except ServerFailed as error:
                self._leave_out(contestant, str(error))

    def measure(self) -> None:
        """The order turns by one each round, so that nobody is always first."""
        for number in range(self._plan.rounds):
            if not self._record.is_done(LIMIT, number):
                self._announce(LIMIT, number)
                self._record.add(LIMIT, number, visit_limit(self._site, self._plan))
            runnable = self._runnable()
            turn = number % max(1, len(runnable))
            for contestant in runnable[turn:] + runnable[:turn]:
                if not self._record.is_done(contestant.name, number):
                    self._announce(contestant.name, number)
                    self._visit(contestant, number)

    def results(self) -> dict[str, Any]:
        entries = [
            results.contestant_entry(
                contestant,
                results.collect(self._record.figures_of(contestant.name)),
                self._not_run.get(contestant.name),
            )
            for contestant in self._contestants
        ]
        machine = describe_machine() | {"undici": UNDICI}
        limit = results.collect(self._record.figures_of(LIMIT))
        return {**self._subject, "machine": machine, "limit": limit, "contestants": entries}

    def _visit(self, contestant: Contestant, number: int) -> None:
        site = self._site.of(contestant)
        try:
            figures = visit(
                contestant, site, self._plan, python=self._pythons[contestant.name],
                undici=self._undici, reference=self._reference(site),
            )  # fmt: skip
        except (ServerFailed, LoadFailed, OSError) as error:
            _tell(f"{contestant.name} failed in round {number + 1}: {error}")
            self._record.add_failure(contestant.name, number, str(error))
            return
        self._record.add(contestant.name, number, figures)

    def _reference(self, site: Site) -> Reference:
        """The bare session's images of the model there."""
        if site.model not in self._references:
            draw = SeededImages(site.model)
            self._references[site.model] = lambda seed: draw([seed])[0]
        return self._references[site.model]

    def _runnable(self) -> list[Contestant]:
        return [each for each in self._contestants if each.name not in self._not_run]

    def _leave_out(self, contestant: Contestant, reason: str) -> None:
        _tell(f"{contestant.name} is left out: {reason}")
        self._not_run[contestant.name] = reason

    def _announce(self, name: str, number: int) -> None:
        left = datetime.timedelta(seconds=round(self._seconds_left()))
        _tell(f"round {number + 1} of {self._plan.rounds}: {name}; about {left} to go")

    def _seconds_left(self) -> float:
        visits = [
            (LIMIT, len(self._plan.batch_sizes) * (self._plan.seconds + 1)),
            *(
                (each.name, self._plan.seconds_per_visit(has_bulk=each.is_ours))
                for each in self._runnable()
            ),
        ]
        return sum(
            seconds
            for number in range(self._plan.rounds)
            for name, seconds in visits
            if not self._record.is_done(name, number)
        )


def _tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)
