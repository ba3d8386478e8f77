"""The models of a running service, changed without a pause: one reload at a time. Knows no route.

What is new is loaded and warm before anything changes; then all of it is served at once. Requests
that are under way keep the models that they began with.
"""

import asyncio
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import structlog

from app.catalogue import Catalogue, FailedModel
from app.errors import ReloadRefused
from app.withdrawals import Withdrawals

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Changes:
    """What a reload did, by NAME/VERSION."""

    added: tuple[str, ...]
    replaced: tuple[str, ...]  # another file under the same name and version
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    failed: tuple[FailedModel, ...]  # a version that was served before still is


class Source(Protocol):
    """Where the models come from that a reload serves."""

    async def reloaded(self, *, withdrawn: Set[str]) -> Catalogue:
        """What is there now, but for what is withdrawn; models that are the same stay so.

        Raises:
            ReloadRefused: the repository cannot be read, or nothing would be left.
        """

    def without(self, withdrawn: Set[str]) -> Catalogue:
        """What was there before, but for what is withdrawn."""

    def admit_request(self) -> None:
        """Raise ReloadRefused where no request may change the models; it says what does."""

    def tell_others(self) -> None:
        """Have other processes of the same service reload, too."""

    def on_change(self, adopt: Callable[[Catalogue], object]) -> None:
        """Have ``adopt`` called with what is there, whenever the source finds out by itself."""


class Reloader:
    """Has a source look again; ``adopt`` is told of what to serve from now on."""

    def __init__(
        self,
        catalogue: Catalogue,
        source: Source,
        withdrawals: Withdrawals,
        adopt: Callable[[Catalogue], object],
    ) -> None:
        """``catalogue`` is what it gave at the start."""
        self._catalogue, self._source = catalogue, source
        self._withdrawals, self._adopt = withdrawals, adopt
        self._one_at_a_time = asyncio.Lock()
        source.on_change(self._adopted)

    async def reload_everywhere(self) -> Changes:
        """Serve all that the repository holds, what was unloaded too; other processes follow.

        Raises as ``reload`` does, and where the source takes no requests.
        """
        self._source.admit_request()
        async with self._one_at_a_time:
            with _refusing_disk_errors():
                before = self._withdrawals.read()
                self._withdrawals.clear()  # first: what is unloaded during the look stays so
            try:
                changes = await self._look_again(frozenset())
            except ReloadRefused:
                with _refusing_disk_errors():
                    for reference in before:
                        self._withdrawals.add(reference)
                raise
        self._source.tell_others()
        return changes

    async def unload_everywhere(self, reference: str) -> Changes:
        """Serve a model no more, until ``reload_everywhere``; other processes follow.

        ``NAME`` means all its versions, ``NAME/VERSION`` and ``NAME@DIGEST`` one of them.

        Raises:
            InvalidParameter, ModelNotFound: as ``ModelCatalogue.resolve``.
            ReloadRefused: nothing would be left, or the source takes no requests; all stays as it
                is.
        """
        self._source.admit_request()
        async with self._one_at_a_time:
            model = self._catalogue.resolve(reference)
            name = model.name if reference == model.name else f"{model.name}/{model.version}"
            with _refusing_disk_errors():
                withdrawn = self._withdrawals.read() | {name}
                if self._catalogue.serves_nothing_but(withdrawn):
                    raise ReloadRefused(
                        f"without {name!r} nothing would be served; stop the service instead"
                    )
                after = self._source.without(withdrawn)
                self._withdrawals.add(name)
            changes = self._adopted(after)
        self._source.tell_others()
        return changes

    async def reload(self) -> Changes:
        """Serve what the repository holds now, but for what was unloaded.

        Raises:
            ReloadRefused: it cannot be read, or nothing would be left; all stays as it is, but
                what was unloaded goes.
        """
        async with self._one_at_a_time:
            with _refusing_disk_errors():
                withdrawn = self._withdrawals.read()
            if withdrawn and not self._catalogue.serves_nothing_but(withdrawn):
                self._catalogue = self._source.without(withdrawn)
                self._adopt(self._catalogue)
            return await self._look_again(withdrawn)

    async def _look_again(self, withdrawn: Set[str]) -> Changes:
        try:
            after = await self._source.reloaded(withdrawn=withdrawn)
        except ReloadRefused as error:
            log.error("reload_refused", reason=error.detail)
            raise
        return self._adopted(after)

    def _adopted(self, after: Catalogue) -> Changes:
        before, self._catalogue = self._catalogue, after
        self._adopt(after)
        changes = _changes(before, after)
        log.info(
            "reloaded",
            added=changes.added,
            replaced=changes.replaced,
            removed=changes.removed,
            num_failed=len(changes.failed),
        )
        return changes


@contextmanager
def _refusing_disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReloadRefused(
            f"what is unloaded cannot be shared with the other workers: {error.filename}: "
            f"{error.strerror}"
        ) from error


def _changes(before: Catalogue, after: Catalogue) -> Changes:
    old, new = (
        {f"{model.name}/{model.version}": model.digest for model in registry.models}
        for registry in (before, after)
    )
    return Changes(
        added=tuple(each for each in new if each not in old),
        replaced=tuple(each for each in new if each in old and new[each] != old[each]),
        removed=tuple(each for each in old if each not in new),
        unchanged=tuple(each for each in new if old.get(each) == new[each]),
        failed=after.failed,
    )
