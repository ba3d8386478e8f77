"""Bytes to what JSON says, strictly: each name once, no number too long. Knows no parameter."""

import json

from app.errors import InvalidParameter
from app.queries import once_each
from app.sentences import LongInteger

MAX_DIGITS = 1000  # of an integer; to read one takes time that grows with their square


def read_json(body: bytes) -> object:
    """What a body of parameters says.

    Raises:
        InvalidParameter: it is not JSON, nested too deeply, or gives a name twice.
    """
    try:
        return _JSON.decode(body.decode())
    except RecursionError as error:
        raise InvalidParameter(
            "the body is nested too deeply; a JSON object of parameters would be right"
        ) from error
    except ValueError as error:  # of the encoding, or of the syntax
        raise InvalidParameter(f"the body is not JSON: {error}") from error


def _integer(digits: str) -> int | LongInteger:
    return int(digits) if len(digits) <= MAX_DIGITS else LongInteger(digits)


_JSON = json.JSONDecoder(object_pairs_hook=once_each, parse_int=_integer)
