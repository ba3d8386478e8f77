"""One request for each kind of answer, and what of two answers must be equal."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from PIL import Image

_OF_THE_MOMENT = {
    "date", "server", "server-timing", "x-request-id", "content-length", "transfer-encoding",
    "connection", "keep-alive",
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    path: str
    sent: dict[str, Any] = field(default_factory=dict)  # as httpx takes it
    method: str = "GET"
    status: int = 200

    def send(self, client: httpx.Client) -> httpx.Response:
        return client.request(self.method, self.path, **self.sent)

    def __str__(self) -> str:
        return f"{self.method} {self.path} {str(self.sent)[:60]}"


def comparable(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """Status, header fields and body, but for what two answers of one server differ in, too."""
    headers = {
        name.lower(): value
        for name, value in answer.headers.items()
        if name.lower() not in _OF_THE_MOMENT
    }
    return answer.status_code, headers, _without_time(answer)


def _without_time(answer: httpx.Response) -> bytes:
    if "json" not in answer.headers.get("content-type", ""):
        return answer.content.replace(answer.request.url.netloc, b"HOST")
    document = json.loads(answer.content.replace(answer.request.url.netloc, b"HOST"))
    if isinstance(document, dict):
        for of_the_moment in ("created", "instance", "request_id"):
            document.pop(of_the_moment, None)
    return json.dumps(document).encode()


def _png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(20, 20) % 251).save(file, "PNG")
    return file.getvalue()


FIXED = _png()


def _post(path: str, status: int = 200, **sent: Any) -> Asked:
    return Asked(path, sent, "POST", status)


_SEED = {"name": "seed", "datatype": "INT64", "shape": [3], "data": [5, 6, 7]}

REQUESTS = [
    Asked("/generate", {"params": {"seed": 42}}),
    Asked("/generate", {"params": {"seed": 42, "format": "webp", "scale": 4}}),
    Asked("/generate", {"params": {"seed": 42, "n": 9, "truncation": 1.5}}),
    Asked("/generate", {"params": {"seed": 42, "n": 9, "layout": "zip"}}),
    _post("/generate", json={"seed": 42, "n": 64, "layout": "json"}),
    _post("/generate", json={"seed": 7, "model": "tiny-two/1"}),
    Asked("/generate/bag", {"params": {"seed": 1, "n": 3}}),
    Asked("/generate", {"params": {"seed": 2, "n": 4, "model": "tiny-conditional"}}),
    Asked("/neighbours", {"params": {"seed": 5, "n": 3}}),
    Asked("/interpolate", {"params": {"seeds": "1,2,3", "frames": 8}}),
    Asked("/interpolate", {"params": {"seeds": "1,2", "frames": 4, "layout": "strip"}}),
    _post("/translate", content=FIXED, headers={"content-type": "image/png"}),
    _post("/translate/tiny-translator?format=jpeg", files={"image": ("a.png", FIXED)}),
    _post("/translate", 415, content=b"no image", headers={"content-type": "image/png"}),
    _post("/dataset", json={"seed": 3, "n": 30}),
    _post("/dataset", json={"seed": 3, "classes": {"7": 9, "bag": 4}, "archive": "tar"}),
    _post("/v2/models/tiny/infer", json={"inputs": [_SEED]}),
    _post("/v2/models/tiny-two/versions/1/infer", json={"inputs": [_SEED]}),
    Asked("/v2/models/tiny-conditional"),
    Asked("/v1/models"),
    _post("/v1/images/generations", json={"prompt": "bag", "seed": 4, "n": 2}),
    Asked("/models"),
    Asked("/models/tiny-two"),
    Asked("/models/tiny/preview.png", status=404),
    Asked("/health/ready"),
    Asked("/health/live"),
    Asked("/"),
    Asked("/openapi.json"),
    Asked("/generate", {"params": {"seed": 1, "model": "none"}}, status=404),
    Asked("/generate", {"params": {"seed": 1, "model": "tiny-broken"}}, status=404),
    Asked("/generate/shoe", {"params": {"seed": 1}}, status=404),
    Asked("/generate", {"params": {"seed": 1, "n": 65}}, status=422),
    Asked("/generate", {"params": {"seed": 1, "model": "tiny-translator"}}, status=422),
    _post("/v2/models/tiny/infer", 422, json={"inputs": []}),
    _post("/models/reload", 403),
]
