"""Clients that leave are noticed, with a server that tells of it and with one that does not."""

import asyncio
from typing import Any

import pytest

from app.connection import ClientGone, WhileConnected
from app.presence import Presence

NEVER_S = 60.0


async def never_leaves() -> dict[str, Any]:
    await asyncio.sleep(NEVER_S)
    raise AssertionError("nobody waits so long")


async def has_left() -> dict[str, Any]:
    return {"type": "http.disconnect"}


def scope(presence: Presence | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "http", "state": {}}
    if presence is not None:
        presence.put_into(found)
    return found


async def wait(presence: Presence | None, receive: Any) -> None:
    async with WhileConnected(scope(presence), receive):
        await asyncio.sleep(NEVER_S)


def test_who_leaves_while_it_is_waited_for_is_noticed() -> None:
    async def test() -> None:
        presence = Presence()
        waiting = [asyncio.ensure_future(wait(presence, never_leaves)) for _ in range(2)]
        await asyncio.sleep(0)
        presence.leave()
        assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [
            ClientGone
        ] * 2

    asyncio.run(test())


def test_who_has_left_before_is_not_waited_for() -> None:
    async def test() -> None:
        presence = Presence()
        presence.leave()
        with pytest.raises(ClientGone):
            await wait(presence, never_leaves)

    asyncio.run(test())


def test_who_leaves_after_the_answer_cancels_nothing() -> None:
    async def test() -> None:
        presence = Presence()
        async with WhileConnected(scope(presence), never_leaves):
            pass
        presence.leave()
        await asyncio.sleep(0)

    asyncio.run(test())


def test_where_the_server_does_not_tell_it_is_asked() -> None:
    async def test() -> None:
        with pytest.raises(ClientGone):
            await wait(None, has_left)

    asyncio.run(test())
