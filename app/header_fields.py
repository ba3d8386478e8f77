"""The header fields of a request, read in one pass. Knows no field by name."""

from collections.abc import Mapping

from starlette.types import Scope

HeaderFields = Mapping[str, str]  # lower-case name to value


def header_fields(scope: Scope) -> HeaderFields:
    """Every field by its name; values of one that is repeated are joined (RFC 9110, section 5.3).

    Starlette's ``Headers`` walks over all fields, and decodes them, once for each that is asked.
    """
    fields: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return fields
