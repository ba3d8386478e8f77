"""Words of the OpenAPI document that several routes use. Knows no route."""

from collections.abc import Mapping
from typing import Any

from app.deadlines import TIMEOUT_HEADER
from app.forms import FIELD
from app.request_timeouts import MAX_TIMEOUT_MS
from app.sentences import Schemas
from app.uploads import FORM, MEDIA_TYPES

BINARY = {"schema": {"type": "string", "format": "binary"}}

MODEL_HEADERS = {
    "X-Model": "NAME/VERSION",
    "X-Model-Digest": "sha256 of the model file",
    "X-Execution-Provider": "what really ran the model",
    "Vary": "Accept",
}

EVERY_ANSWER_HEADERS = {
    "X-Request-Id": "also in the log: the client's own, or a new one",
    "X-Content-Type-Options": "nosniff",
}

NO_STORE_HEADERS = {"Cache-Control": "no-store"}

CACHING_HEADERS = {
    "ETag": "of seeded GETs",
    "Cache-Control": "immutable where the URL pins the digest; no-store without a seed",
}

_PAIRS = "^[^,]+:[0-9.eE+-]+(,[^,]+:[0-9.eE+-]+)*$"  # of a class and its share
_NOT_ALWAYS = ("ETag", "Inference-Header-Content-Length")

IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "ETag of a seeded answer that the client holds",
    "schema": {"type": "string"},
}

TIMEOUT = {
    "name": TIMEOUT_HEADER,
    "in": "header",
    "description": "milliseconds after which the answer is of no use; less than the server's own "
    "limit, or it has no effect",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_MS},
}


UPLOAD_BODY = {
    "required": True,
    "description": "an image as it is, or in a form",
    "content": {
        **dict.fromkeys(MEDIA_TYPES, BINARY),
        FORM: {
            "schema": {
                "type": "object",
                "properties": {FIELD: {**BINARY["schema"], "description": "the file"}},
                "required": [FIELD],
                "additionalProperties": False,
            },
            "encoding": {FIELD: {"contentType": ", ".join(MEDIA_TYPES)}},
        },
    },
}


def headers(descriptions: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {
            "description": description,
            "required": name not in _NOT_ALWAYS,
            "schema": {"type": "string"},
        }
        for name, description in descriptions.items()
    }


def not_modified(answered: Mapping[str, Any]) -> dict[int | str, dict[str, Any]]:
    """The answer 304, with the headers of the answer that the client holds."""
    kept = {name: header for name, header in answered.items() if name != "Server-Timing"}
    return {304: {"description": "the client holds this very answer", "headers": kept}}


def request_body(schemas: Schemas, example: Mapping[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "description": "each at most once; null is no value: leave a parameter out instead",
        "properties": schemas,
        "additionalProperties": False,
    }
    content = {"application/json": {"schema": schema, "example": dict(example)}}
    return {"required": False, "content": content}


def query_parameters(schemas: Schemas) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "description": schema["description"],
            **_in_a_query({key: value for key, value in schema.items() if key != "description"}),
        }
        for name, schema in schemas.items()
    ]


def _in_a_query(schema: dict[str, Any]) -> dict[str, Any]:
    """A list is one text with commas; an object one text with colons and commas."""
    if schema["type"] == "array":
        return {"schema": schema, "style": "form", "explode": False}
    if schema["type"] == "object":
        return {"schema": {"type": "string", "pattern": _PAIRS}}
    return {"schema": schema}
