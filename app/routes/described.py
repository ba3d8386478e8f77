"""Words of the OpenAPI document that several routes use. Knows no route."""

from collections.abc import Mapping
from typing import Any

from app.sentences import Schemas

BINARY = {"schema": {"type": "string", "format": "binary"}}

MODEL_HEADERS = {
    "X-Model": "NAME/VERSION",
    "X-Model-Digest": "sha256 of the model file",
    "X-Execution-Provider": "what really ran the model",
    "X-Request-Id": "also in the log",
    "Vary": "Accept",
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
