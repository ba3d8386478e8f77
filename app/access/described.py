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


def describe_access(document: dict[str, Any], *, has_keys: bool) -> None:
    """Write into the document which operations need a key, and what they answer without one."""
    if has_keys:
        _name_the_scheme(document)
    for path, methods in document["paths"].items():
        role = needed_role(path)
        for operation in methods.values():
            if role == "admin":
                _add(operation["responses"], 403)
            if has_keys and role is not None:
                _describe_key(operation)


def _name_the_scheme(document: dict[str, Any]) -> None:
    document["components"]["securitySchemes"] = {
        _SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "description": "an API key; whoever runs the service makes it with ganserve keygen",
        }
    }


def _describe_key(operation: dict[str, Any]) -> None:
    operation["security"] = [{_SCHEME: []}]
    told = operation["responses"]
    _add(told, 401, 429)
    told["429"]["description"] = _SHED
    for status, response in told.items():
        fields = _CHALLENGE if status == "401" else _LIMITS
        response.setdefault("headers", {}).update(_headers(fields))


def _add(told: dict[str, Any], *statuses: int) -> None:
    for status, response in responses(*statuses).items():
        told.setdefault(str(status), deepcopy(response))


def _headers(fields: dict[str, tuple[str, bool]]) -> dict[str, Any]:
    return {
        name: {"description": description, "required": required, "schema": {"type": "string"}}
        for name, (description, required) in fields.items()
    }
