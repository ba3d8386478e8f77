"""What parameters may be, as JSON Schema, and what is wrong with them, in sentences.

Knows no parameter by name.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.errors import InvalidParameter, shortened

M = TypeVar("M", bound=BaseModel)

Schemas = Mapping[str, dict[str, Any]]

MAX_SENTENCES = 5
"""So many problems of one request are told; the others are counted."""


class LongInteger(str):
    """The digits of an integer that no parameter takes and that is too long to be worth reading."""


def schemas_of(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """JSON Schema of each field. None is no value that can be given: it is the field left out."""
    properties: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return {name: _without_null(schema) for name, schema in properties.items()}


def validated(model: type[M], values: object, schemas: Schemas) -> M:
    """The values as parameters; raises InvalidParameter where they are none."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidParameter(summary(error, schemas)) from error
    except UnicodeEncodeError as error:  # a lone surrogate, which JSON can write
        raise InvalidParameter(
            f"a text holds half a character (U+{ord(error.object[error.start]):04X}); "
            "whole ones would be right"
        ) from error


def summary(error: ValidationError, schemas: Schemas) -> str:
    problems = error.errors(include_url=False)
    told = "; ".join(_sentence(problem, schemas) for problem in problems[:MAX_SENTENCES])
    num_more = len(problems) - MAX_SENTENCES
    return told if num_more <= 0 else f"{told}; and {num_more} more"


def shown(value: object) -> str:
    """A value as JSON writes it, cut to a length that fits a message."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return shortened(value if isinstance(value, LongInteger) else json.dumps(value))


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key not in ("anyOf", "title")}
    if kept.get("default", "") is None:
        del kept["default"]
    first: dict[str, Any] = next(iter(schema.get("anyOf", [{}])))
    return first | kept


def _sentence(problem: ErrorDetails, schemas: Schemas) -> str:
    """One problem as a sentence that names the thing, its value and what would be right."""
    is_no_text = problem["type"] == "string_unicode"  # a name with half a character in it
    if not problem["loc"] and not is_no_text:
        return f"the body must be a JSON object of parameters, not {shown(problem['input'])}"
    name = str(problem["loc"][0] if problem["loc"] else problem["input"])
    if name not in schemas:
        return f"unknown parameter {shown(name)}; known are: {', '.join(schemas)}"
    if problem["type"] == "missing":
        return f"{name} is missing; it must be {_expected(schemas[name])}"
    return f"{name} must be {_expected(schemas[name])}, not {shown(problem['input'])}"


def _expected(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        values = (each if isinstance(each, str) else json.dumps(each) for each in schema["enum"])
        return f"one of: {', '.join(values)}"
    if schema["type"] in ("string", "array", "object"):
        return str(schema["description"])
    if schema["type"] == "boolean":
        return "true or false"
    kind = "an integer" if schema["type"] == "integer" else "a number"
    return f"{kind} from {schema['minimum']} to {schema['maximum']}"
