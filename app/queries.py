"""What parameters of every route have in common: how many bytes, each once, from a table.

Knows no parameter by name.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from app.errors import InvalidParameter
from app.sentences import shown

MAX_PARAMETER_BYTES = 65_536  # of a body or query of parameters; all of them take a few hundred
MAX_NAMES = 10_000  # to say of each what is wrong takes a kilobyte


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """Name and text of each parameter in a query string.

    Raises:
        InvalidParameter: the query is too long to be looked at.
    """
    if len(query) > MAX_PARAMETER_BYTES:
        raise InvalidParameter(
            f"the query has {len(query):,} bytes; at most {MAX_PARAMETER_BYTES:,} would be right"
        )
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)


def once_each(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A dictionary of the pairs.

    Raises:
        InvalidParameter: a name is given twice, or there are far too many.
    """
    values: dict[str, Any] = {}
    for name, value in pairs:
        if len(values) == MAX_NAMES:
            raise InvalidParameter(
                f"there are more than {MAX_NAMES:,} parameters; a few would be right"
            )
        if name in values:
            raise InvalidParameter(f"parameter {shown(name)} is given twice; once would be right")
        values[name] = value
    return values


def known(name: str, table: Mapping[str, object]) -> str:
    """A name of the table, for a validator to let through."""
    if name not in table:
        raise ValueError(name)
    return name
