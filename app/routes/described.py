"""Words of the OpenAPI document that several routes use. Knows no route."""

from collections.abc import Mapping
from typing import Any

from app.deadlines import MAX_TIMEOUT_MS, TIMEOUT_HEADER
from app.sentences import Schemas

BINARY = {"schema": {"type": "string", "format": "binary"}}

MODEL_HEADERS = {
    "X-Model": "NAME/VERSION",
    "X-Model-Digest": "sha256 of the model file",
    "X-Execution-Provider": "what really ran the model",
    "X-Request-Id": "also in the log",
    "Vary": "Accept",
}

TIMEOUT = {
    "name": TIMEOUT_HEADER,
    "in": "header",
    "description": "milliseconds after which the answer is of no use; less than the server's own "
    "limit, or it has no effect",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_MS},
}


def headers(descriptions: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {"description": description, "schema": {"type": "string"}}
        for name, description in descriptions.items()
    }


def query_parameters(schemas: Schemas) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "description": schema["description"],
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in schemas.items()
    ]
