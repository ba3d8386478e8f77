"""What keys mean to each operation, in the words of the OpenAPI document. Knows no route."""

from copy import deepcopy
from typing import Any

from app.access.paths import needed_role
from app.problems import responses

_SCHEME = "key"
_CHALLENGE = {"WWW-Authenticate": ("Bearer", True)}
_LIMITS = {
    "RateLimit-Policy": ("what a key with limits may do", False),
    "RateLimit": ("what is left of it", False),
}
_SHED = "the key has had its limit, or the queue is full; try again after Retry-After"


def describe_keys(document: dict[str, Any]) -> None:
    """Write into the document that operations need a key, and what they answer without one."""
    document["components"]["securitySchemes"] = {
        _SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": "an API key; whoever runs the service makes it with ganserve keygen",
        }
    }
    for path, methods in document["paths"].items():
        role = needed_role(path)
        if role is not None:
            for operation in methods.values():
                _describe(operation, is_for_admins=role == "admin")


def _describe(operation: dict[str, Any], *, is_for_admins: bool) -> None:
    operation["security"] = [{_SCHEME: []}]
    told = operation["responses"]
    for status, response in responses(401, 429, *((403,) if is_for_admins else ())).items():
        told.setdefault(str(status), deepcopy(response))
    told["429"]["description"] = _SHED
    for status, response in told.items():
        fields = _CHALLENGE if status == "401" else _LIMITS
        response.setdefault("headers", {}).update(_headers(fields))


def _headers(fields: dict[str, tuple[str, bool]]) -> dict[str, Any]:
    return {
        name: {"description": description, "required": required, "schema": {"type": "string"}}
        for name, (description, required) in fields.items()
    }
