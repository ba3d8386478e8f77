"""The gallery page at / and the files it is made of. Knows no model: the page asks for those."""

import hashlib
from importlib.resources import files

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.caching import is_unmodified
from app.header_fields import header_fields
from app.raw_response import RawResponse
from app.routes.direct import Endpoint

_FOLDER = files("app") / "web" / "gallery"
_MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
}
_START, _ICON = "index.html", "favicon.png"

_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page may do: run and load what comes from here, and nothing that is written into it."""


def add_routes(router: APIRouter) -> None:
    for file in _FOLDER.iterdir():
        endpoint = _endpoint(file.name, file.read_bytes())
        router.add_api_route(f"/gallery/{file.name}", endpoint, include_in_schema=False)
        for path in {_START: ["/"], _ICON: ["/favicon.ico"]}.get(file.name, []):
            router.add_api_route(path, endpoint, include_in_schema=False)


def _endpoint(name: str, body: bytes) -> Endpoint:
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]].encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    headers = [
        (b"etag", etag.encode()),
        (b"cache-control", b"no-cache"),  # kept, and asked for again: a new version shows at once
        (b"content-security-policy", _POLICY),
        (b"referrer-policy", b"no-referrer"),
    ]

    async def get_file(request: Request) -> Response:
        if is_unmodified(header_fields(request.scope).get("if-none-match"), etag):
            return RawResponse(b"", list(headers), status_code=304)
        return RawResponse(body, [*headers, (b"content-type", media_type)])

    return get_file
