"""/translate and /translate/{model}: an upload to a translated image. Knows no session."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.encoders import ENCODERS
from app.header_fields import header_fields
from app.parts import parts_of
from app.problems import responses
from app.request_timeouts import timeout_of
from app.routes.described import (
    BINARY,
    MODEL_HEADERS,
    NO_STORE_HEADERS,
    TIMEOUT,
    UPLOAD_BODY,
    headers,
    query_parameters,
)
from app.translate_parameters import TRANSLATE_SCHEMAS, from_query
from app.translation_answers import answer_translation
from app.translations import take_translation_order
from app.uploads import read_upload


async def translate(request: Request) -> Response:
    parts, fields = parts_of(request), header_fields(request.scope)
    order = take_translation_order(
        from_query(request.scope["query_string"]),
        reference=request.path_params.get("model"),
        accept=fields.get("accept"),
        registry=parts.registry,
    )
    timeout_s = timeout_of(fields, most_s=parts.settings.request_timeout_s)
    with parts.uploads.share() as hold:
        upload = await read_upload(request, fields, parts, timeout_s=timeout_s, hold=hold)
        return await answer_translation(request, upload, order, parts, timeout_s=timeout_s)


def add_routes(router: APIRouter) -> None:
    for path, summary, parameters in (
        ("/translate", "Translate an image", []),
        ("/translate/{model:path}", "Translate an image with one model", [_MODEL]),
    ):
        router.add_api_route(
            path,
            translate,
            methods=["POST"],
            summary=summary,
            description=_DESCRIPTION,
            operation_id="post_translate" + ("_model" if parameters else ""),
            responses=_IMAGE | responses(404, 406, 413, 415, 422, 429, 500, 503, 504),
            openapi_extra={
                "parameters": [*parameters, *query_parameters(TRANSLATE_SCHEMAS), TIMEOUT],
                "requestBody": UPLOAD_BODY,
            },
            response_class=Response,
        )


_DESCRIPTION = (
    "The whole image is resized to the model's size, nothing is cropped. The same upload and model "
    "file give the same bytes. EXIF orientation is applied and transparency laid on white."
)

_MODEL = {
    "name": "model",
    "in": "path",
    "required": True,
    "description": "NAME, NAME/VERSION or NAME@DIGEST of a translator",
    "schema": {"type": "string", "minLength": 1},
}

_IMAGE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "the translated image",
        "headers": headers(
            MODEL_HEADERS
            | {"Server-Timing": "milliseconds in decode, queue, inference and encode"}
            | NO_STORE_HEADERS
        ),
        "content": {encoder.media_type: BINARY for encoder in ENCODERS.values()},
    }
}
