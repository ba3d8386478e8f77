"""A multipart form to the one file that it must hold (RFC 7578). Knows no image and no request."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import InvalidUpload, shortened

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "image"
MAX_TYPE_CHARACTERS = 1000  # of a form's content type: a hundred are usual
MAX_HEAD_BYTES = 16_384  # of the file's part, before its data: two hundred are usual

_WANTED = f"exactly one file field {FIELD!r} would be right"


@dataclass(frozen=True)
class FormFile:
    data: bytes
    media_type: str | None  # as declared; None where it is not


def file_of_form(body: bytes, content_type: str) -> FormFile:
    """The file in the field ``image``, in memory as the body is.

    Raises:
        InvalidUpload: the form is malformed or cut off, or is not exactly that field.
    """
    is_short = len(content_type) <= MAX_TYPE_CHARACTERS
    boundary = parse_options_header(content_type)[1].get(b"boundary") if is_short else None
    if not boundary:
        raise InvalidUpload(
            f"content type {shortened(content_type)!r} names no boundary, or is too long; "
            "multipart/form-data; boundary=... would be right"
        )
    # Counted first: so the parser, which walks in Python, never meets more than one delimiter.
    num_ends = body.count(b"\r\n--" + boundary, 2)
    if num_ends != 1:
        problem = "is cut off or empty" if num_ends == 0 else "has more than one field"
        raise InvalidUpload(f"the form {problem}; {_WANTED}")
    if body.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES) < 0:
        raise InvalidUpload(
            f"the headers of the form's field take more than {MAX_HEAD_BYTES:,} bytes, or do not "
            "end; an empty line after a few headers would be right"
        )
    part = _Part()
    try:
        MultipartParser(boundary, part.callbacks()).write(body)
    except FormParserError as error:
        raise InvalidUpload(f"the form is malformed: {error}; {_WANTED}") from error
    return part.file()


class _Part:
    """Takes what a parser tells of a form with a single field."""

    def __init__(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = self._data = b""
        self._is_whole = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_header_field": self._on_name,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header_end,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def file(self) -> FormFile:
        if not self._is_whole:
            raise InvalidUpload(f"the form does not end with its boundary and '--'; {_WANTED}")
        disposition = self._headers.get(b"content-disposition", b"")
        name = parse_options_header(disposition)[1].get(b"name", b"").decode(errors="replace")
        if name != FIELD:
            raise InvalidUpload(f"the form's field is {shortened(name)!r}; {_WANTED}")
        declared = parse_options_header(self._headers.get(b"content-type"))[0].decode("latin-1")
        return FormFile(self._data, declared or None)

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _on_end(self) -> None:
        self._is_whole = True
