"""/docs and the document behind it, /openapi.json. Knows only the document, not its routes."""

import base64
import hashlib
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.access.described import describe_access
from app.inference_protocol.bodies import InferRequest
from app.inference_protocol.schemas import InferResponse
from app.parts import parts_of
from app.routes.described import EVERY_ANSWER_HEADERS, headers
from app.schemas import GeneratedImages, Problem

_PAGE = files("app") / "web" / "docs.html"


def add_routes(router: APIRouter) -> None:
    page = _PAGE.read_text()
    allowed = {"Content-Security-Policy": _policy(page)}

    async def get_docs(request: Request) -> Response:
        return Response(page, headers=allowed, media_type="text/html")

    router.add_api_route("/docs", get_docs, include_in_schema=False)
    router.add_api_route("/openapi.json", get_document, include_in_schema=False)


async def get_document(request: Request) -> Response:
    has_keys = parts_of(request).settings.api_keys_file is not None
    return JSONResponse(document(request.app, has_keys=has_keys))


def document(app: FastAPI, *, has_keys: bool) -> dict[str, Any]:
    """The document, the headers of every answer, and the schemas that FastAPI does not model."""
    whole = app.openapi()
    describe_access(whole, has_keys=has_keys)
    for methods in whole["paths"].values():
        for operation in methods.values():
            for response in operation["responses"].values():
                response.setdefault("headers", {}).update(headers(EVERY_ANSWER_HEADERS))
    _, schemas = models_json_schema(
        [
            (Problem, "serialization"),
            (GeneratedImages, "serialization"),
            (InferRequest, "validation"),
            (InferResponse, "serialization"),
        ],
        ref_template="#/components/schemas/{model}",
    )
    whole["components"]["schemas"].update(schemas["$defs"])
    return whole


def _policy(page: str) -> str:
    """A content security policy by which the page runs what it holds, and loads from here only."""
    style, script = (_hash(page, tag) for tag in ("style", "script"))
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(page: str, tag: str) -> str:
    content = page.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
