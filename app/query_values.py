"""Texts of a query to the values that JSON would hold. Knows no parameter by name.

What is no such value is given back as it is, to be refused by who knows what it should be.
"""

import re

_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,3})?", re.ASCII)
_TRUTH = {"true": True, "false": False}


def integer(text: str) -> int | str:
    return int(text) if _INTEGER.fullmatch(text) else text


def number(text: str) -> float | str:
    return float(text) if _NUMBER.fullmatch(text) else text


def truth(text: str) -> bool | str:
    return _TRUTH.get(text, text)
