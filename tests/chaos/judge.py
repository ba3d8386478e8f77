"""What must not have happened, whatever the faults were. Knows no process."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.serving.load.until_stopped import Fate
from tests.chaos.clients import Asked
from tests.chaos.faults import Noted
from tests.chaos.nonsense import NONSENSE

REFUSALS = {429, 504}  # the queue is full; too late
WITHOUT_MODELS = {404, 503}  # of a worker that started while the folder was away
SLACK_S = 2.0
"""A client that the machine kept waiting reads an answer so long after its server died."""


@dataclass(frozen=True)
class Found:
    """What clients were told, and what was noted meanwhile."""

    asked: list[Asked]
    noted: Noted
    stopped_at: float  # when SIGTERM was sent
    num_clients: int

    @property
    def lost(self) -> list[Asked]:
        """Without an answer; a kept connection may end with the service, and no other way."""
        return [
            each
            for each in self.asked
            if each.fate is Fate.LOST
            or (each.fate is Fate.CLOSED_IDLE and each.sent_at < self.stopped_at)
        ]

    @property
    def outcomes(self) -> Counter[str]:
        lost = {id(each) for each in self.lost}
        return Counter(
            "wrong"
            if each.fault
            else "lost"
            if id(each) in lost
            else "right bytes"
            if each.status == 200
            else f"refused with {each.status}"
            if each.status
            else each.fate.value
            for each in self.asked
        )


def failures(found: Found) -> list[str]:
    """A sentence for each kind of thing that must not be, with how often it was."""
    sentences = [
        *_wrong_answers(found),
        *_wrong_statuses(found),
        *_wrong_refusals_of_nonsense(found.noted),
        *_turned_away_early(found),
        *_lost_without_a_death(found),
    ]
    counted = Counter(sentences)
    return [f"{count} times: {sentence}" for sentence, count in counted.items()] + _too_many_lost(
        found
    )


def _wrong_answers(found: Found) -> Iterable[str]:
    for each in found.asked:
        if each.fault:
            yield f"the answer to {each.wish.path} {each.fault}"


def _wrong_statuses(found: Found) -> Iterable[str]:
    for each in found.asked:
        if each.status is None or each.status == 200:
            continue
        right = set(REFUSALS)
        if each.wish.may_be_missing:
            right.add(404)
        if _is_without_models(found.noted, each.sent_at, each.ended_at):
            right |= WITHOUT_MODELS
        if each.ended_at >= found.stopped_at:
            right.add(503)
        if each.status not in right:
            yield f"{each.wish.path} was answered with status {each.status}"


def _wrong_refusals_of_nonsense(noted: Noted) -> Iterable[str]:
    for name, sent_at, status in noted.nonsense:
        right = {NONSENSE[name].status}
        if _is_without_models(noted, sent_at, sent_at):
            right |= WITHOUT_MODELS
        if status not in right:
            yield f"nonsense ({name}) was answered with {status}; {sorted(right)} would be right"


def _is_without_models(noted: Noted, began_at: float, ended_at: float) -> bool:
    return any(away <= ended_at and began_at <= back for away, back in noted.away)


def _turned_away_early(found: Found) -> Iterable[str]:
    for each in found.asked:
        if each.fate is Fate.TURNED_AWAY and each.ended_at < found.stopped_at:
            yield "a client could not connect, though nobody had stopped the service"


def _lost_without_a_death(found: Found) -> Iterable[str]:
    for each in found.lost:
        if _its_death(each, found.noted.kills) is None:
            when = "after SIGTERM" if each.sent_at >= found.stopped_at else "before SIGTERM"
            yield f"a request was lost {when}, and no worker had been killed under it"


def _too_many_lost(found: Found) -> list[str]:
    """With a worker die at most the requests under way: one of each client."""
    deaths = Counter(_its_death(each, found.noted.kills) for each in found.lost)
    del deaths[None]
    return [
        f"{count} requests were lost with one worker; at most {found.num_clients} were under way"
        for count in deaths.values()
        if count > found.num_clients
    ]


def _its_death(lost: Asked, kills: list[float]) -> float | None:
    """When the worker was killed that may have had this request, or its connection."""
    later = [kill for kill in kills if lost.quiet_since - SLACK_S <= kill <= lost.ended_at]
    return max(later, default=None)
