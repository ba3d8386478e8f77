"""The file of API keys: what it may hold, and what is wrong with one. Knows no request.

It is TOML, one table for each key:

    [[keys]]
    name = "ci"
    sha256 = "(64 hexadecimal digits)"
    role = "generate"
    requests_per_minute = 600
    max_concurrent = 4
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.access.keys import redacted
from app.errors import GanServeError

Role = Literal["generate", "admin"]


class KeyFileInvalid(GanServeError):
    """The file of API keys cannot be used; nothing starts without the keys that it should hold."""


class KeyEntry(BaseModel):
    """One key as the file tells of it: never the key itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="1 to 64 letters, digits, '.', '_' or '-'; the log names the key so",
    )
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="the sha256 of the key: 64 digits of 0-9 and a-f, as ganserve keygen writes it",
    )
    role: Role = Field(description="generate, or admin, which may do everything")
    requests_per_minute: int | None = Field(
        None, ge=1, le=1_000_000, description="an integer from 1 to 1000000; left out: no limit"
    )
    max_concurrent: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="requests under way at once, an integer from 1 to 1000000; left out: no limit",
    )


def read_key_file(path: Path) -> tuple[KeyEntry, ...]:
    """The entries of a file, of which there is at least one.

    Raises:
        KeyFileInvalid: the message names the file, the entry, the value and what would be right.
    """
    entries = parse_key_file(_text(path), path)
    if not entries:
        raise KeyFileInvalid(
            f"{str(path)!r} holds no key, so that nobody could ask; "
            f"'ganserve keygen NAME --append {path}' adds one"
        )
    return entries


def parse_key_file(text: str, path: Path) -> tuple[KeyEntry, ...]:
    """The entries of a file's text; ``path`` is for messages."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KeyFileInvalid(redacted(f"{str(path)!r} is no TOML: {error}")) from None
    unknown = [name for name in tables if name != "keys"]
    keys = tables.get("keys", [])
    if unknown or not isinstance(keys, list):
        wrong = f"unknown field {unknown[0]!r}" if unknown else "the field 'keys' is no list"
        raise KeyFileInvalid(
            redacted(f"{str(path)!r}: {wrong}; a key is a table that begins with [[keys]]")
        )
    entries = tuple(_entry(key, _place(path, index, key)) for index, key in enumerate(keys))
    _refuse_duplicates(entries, path)
    return entries


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise KeyFileInvalid(
            f"the file of API keys {str(path)!r} cannot be read: {error.strerror}; "
            "the setting api_keys_file names it"
        ) from error
    except UnicodeDecodeError as error:
        raise KeyFileInvalid(f"{str(path)!r} is no TOML: it is not in UTF-8") from error


def _place(path: Path, index: int, key: Any) -> str:
    name = key.get("name") if isinstance(key, dict) else None
    return f"{str(path)!r}, key {index + 1}" + (f" ({name!r})" if name is not None else "")


def _entry(key: Any, place: str) -> KeyEntry:
    if not isinstance(key, dict):
        raise KeyFileInvalid(redacted(f"{place}: {key!r} is no table; [[keys]] begins one"))
    try:
        return KeyEntry.model_validate(key)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        sentence = _sentence(str(problem["loc"][0]), problem)
        raise KeyFileInvalid(redacted(f"{place}: {sentence}")) from None


def _sentence(name: str, problem: Any) -> str:
    fields = KeyEntry.model_fields
    if name not in fields:
        return f"unknown field {name!r}; known are: {', '.join(fields)}"
    meaning = fields[name].description
    if problem["type"] == "missing":
        return f"{name} is missing: {meaning}"
    return f"{name} {problem['input']!r} is not right: {meaning}"


def _refuse_duplicates(entries: Sequence[KeyEntry], path: Path) -> None:
    places: dict[str, int] = {}  # what must be there once to the number of the key that has it
    for number, entry in enumerate(entries, start=1):
        for field, value in (("name", entry.name), ("sha256", entry.sha256)):
            if value in places:
                raise KeyFileInvalid(
                    f"{str(path)!r}, key {number}: {field} {value!r} is that of key "
                    f"{places[value]} too; each needs its own"
                )
            places[value] = number
