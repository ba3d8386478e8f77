"""The models of a running service, changed without a pause: one reload at a time. Knows no route.

What is new is loaded and warm before anything changes; then all of it is served at once. Requests
that are under way keep the models that they began with.
"""

import asyncio
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from app.errors import ReloadRefused
from app.registry import FailedModel, Registry
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


class Reloader:
    """Reads the repository again; ``adopt`` is told of the models to serve from now on."""

    def __init__(
        self,
        registry: Registry,
        adopt: Callable[[Registry], object],
        withdrawals: Withdrawals,
        *,
        tell_others: Callable[[], object] = lambda: None,
    ) -> None:
        """``tell_others`` asks the other worker processes to do the same."""
        self._registry, self._adopt, self._tell_others = registry, adopt, tell_others
        self._withdrawals = withdrawals
        self._one_at_a_time = asyncio.Lock()

    async def reload_everywhere(self) -> Changes:
        """Serve all that the repository holds, what was unloaded too; the other workers follow.

        Raises as ``reload`` does.
        """
        async with self._one_at_a_time:
            changes = await self._read_again(frozenset())
            with _refusing_disk_errors():
                self._withdrawals.clear()
        self._tell_others()
        return changes

    async def unload_everywhere(self, reference: str) -> Changes:
        """Serve a model no more, until ``reload_everywhere``; the other workers follow.

        ``NAME`` means all its versions, ``NAME/VERSION`` and ``NAME@DIGEST`` one of them.

        Raises:
            InvalidParameter, ModelNotFound: as ``Registry.resolve``.
            ReloadRefused: nothing would be left; all stays as it is.
        """
        async with self._one_at_a_time:
            model = self._registry.resolve(reference)
            name = model.name if reference == model.name else f"{model.name}/{model.version}"
            with _refusing_disk_errors():
                withdrawn = self._withdrawals.read() | {name}
            if self._registry.serves_nothing_but(withdrawn):
                raise ReloadRefused(
                    f"without {name!r} nothing would be served; stop the service instead"
                )
            with _refusing_disk_errors():
                self._withdrawals.add(name)
            changes = self._adopted(self._registry.without(withdrawn))
        self._tell_others()
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
            before = self._registry
            if not before.serves_nothing_but(withdrawn):
                self._registry = before.without(withdrawn)
                self._adopt(self._registry)
            return await self._read_again(withdrawn)

    async def _read_again(self, withdrawn: Set[str]) -> Changes:
        try:
            after = await asyncio.to_thread(self._registry.reloaded, withdrawn=withdrawn)
        except ReloadRefused as error:
            log.error("reload_refused", reason=error.detail)
            raise
        return self._adopted(after)

    def _adopted(self, after: Registry) -> Changes:
        before, self._registry = self._registry, after
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


def _changes(before: Registry, after: Registry) -> Changes:
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
