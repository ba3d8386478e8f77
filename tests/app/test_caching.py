"""ETag, Cache-Control and 304: what may be kept, for how long, and what makes it another answer."""

import threading
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.caching import entity_tag, is_unmodified
from app.layouts import LAYOUTS, Batch, Layout
from app.settings import Settings
from tests.live_server import PATIENCE_S, live_server, wait_until

SEEDED = {"seed": 1}


def test_a_client_that_holds_the_answer_is_spared_it(client: httpx.Client) -> None:
    first = client.get("/generate", params=SEEDED)
    again = client.get("/generate", params=SEEDED, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    for name in ("etag", "cache-control", "vary"):
        assert again.headers[name] == first.headers[name]
    assert "server-timing" not in again.headers  # nothing was run


def test_without_a_seed_nothing_is_kept(client: httpx.Client) -> None:
    headers = client.get("/generate", headers={"If-None-Match": "*"}).headers
    assert headers["cache-control"] == "no-store"
    assert "etag" not in headers


def test_only_a_url_that_pins_the_digest_is_immutable(client: httpx.Client) -> None:
    named = client.get("/generate", params=SEEDED)
    assert named.headers["cache-control"] == "public, max-age=60"
    model = f"tiny@{named.headers['x-model-digest'][:12]}"
    pinned = client.get("/generate", params={"model": model, **SEEDED})
    assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert pinned.headers["etag"] == named.headers["etag"]


def test_whatever_changes_the_bytes_changes_the_etag(client: httpx.Client) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/generate", {}),
        ("/generate", {"seed": 2}),
        ("/generate", {"n": 4}),
        ("/generate", {"n": 4, "columns": 4}),
        ("/generate", {"n": 4, "layout": "zip"}),
        ("/generate", {"layout": "json"}),
        ("/generate", {"format": "webp"}),
        ("/generate", {"scale": 2}),
        ("/generate", {"truncation": 0.5}),
        ("/generate", {"model": "tiny-two"}),
        ("/generate", {"model": "tiny-two/1"}),
        ("/generate/7", {}),
        ("/generate/bag", {}),
    ]
    tags = [client.get(path, params=SEEDED | more).headers["etag"] for path, more in asked]
    by_accept = client.get("/generate", params=SEEDED, headers={"accept": "application/zip"})
    assert len({*tags, by_accept.headers["etag"]}) == len(asked) + 1


def test_the_etag_is_strong_where_bytes_are_exact() -> None:
    identity = {"seed": 1}
    strong = entity_tag("key", identity, is_exact=True)
    assert strong.startswith('"key-')
    assert entity_tag("key", identity, is_exact=False) == "W/" + strong


@pytest.mark.parametrize(
    ("if_none_match", "is_held"),
    [
        (None, False),
        ("", False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b"', False),
        ('"b", W/"a"', True),
        ("*", True),
        ("a", False),
    ],
)
def test_if_none_match_compares_weakly(if_none_match: str | None, is_held: bool) -> None:
    assert is_unmodified(if_none_match, '"a"') is is_held
    assert is_unmodified(if_none_match, 'W/"a"') is is_held
    assert not is_unmodified(if_none_match, None)


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text()))
def test_the_order_of_an_identity_does_not_matter(identity: dict[str, Any]) -> None:
    turned = dict(reversed(identity.items()))
    same = entity_tag("key", turned, is_exact=True)
    assert entity_tag("key", identity, is_exact=True) == same


def test_every_line_of_if_none_match_is_read(client: httpx.Client) -> None:
    etag = client.get("/generate", params=SEEDED).headers["etag"]
    lines = [("if-none-match", '"other"'), ("if-none-match", etag)]
    assert client.get("/generate", params=SEEDED, headers=lines).status_code == 304


def test_an_answer_that_takes_too_long_to_encode_is_given_up(
    tiny_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = threading.Event()
    left: list[bool] = []

    def encode_slowly(batch: Batch) -> bytes:
        started.set()
        left.append(batch.abandoned.wait(PATIENCE_S))
        return b""

    monkeypatch.setitem(LAYOUTS, "zip", Layout("application/zip", encode_slowly))
    settings = tiny_settings.model_copy(update={"request_timeout_s": PATIENCE_S})
    with live_server(settings) as server:
        for timeout_ms in (500, 5_000, 50_000):  # more where it does not get as far as the encoder
            late = {"X-Request-Timeout-Ms": str(timeout_ms)}
            answer = server.client.get("/generate?n=2&layout=zip", headers=late)
            assert (answer.status_code, answer.json()["title"]) == (504, "Deadline exceeded")
            if started.is_set():
                break
        assert "not encoded in time" in answer.json()["detail"]
        wait_until(lambda: bool(left))
        assert all(left)
