"""The server that Ray starts in an ingress writes the head of an answer with its body."""

import pytest
from uvicorn.config import HTTP_PROTOCOLS, Config

from app.http_protocol.joining import JoiningProtocol
from deploy.ray.http_server import join_heads_with_bodies


def test_uvicorn_left_to_its_choice_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HTTP_PROTOCOLS, "auto", HTTP_PROTOCOLS["auto"])
    join_heads_with_bodies()
    config = Config(lambda: None, factory=True, log_config=None)  # as Ray makes it
    config.load()
    assert config.http_protocol_class is JoiningProtocol
