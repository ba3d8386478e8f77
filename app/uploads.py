"""A request's body to the bytes of one image, sent as such or in a form. Knows no pixel."""

from collections.abc import Callable

from starlette.requests import Request

from app.bodies import read_body
from app.errors import InvalidUpload, UnsupportedMediaType, shortened
from app.forms import FIELD, file_of_form
from app.header_fields import HeaderFields
from app.image_files import IMAGE_FORMATS, format_of
from app.parts import Parts

FORM = "multipart/form-data"
MEDIA_TYPES = tuple(image_format.media_type for image_format in IMAGE_FORMATS)

_UNDECLARED = (None, "application/octet-stream")  # in a form, where clients often do not know


async def read_upload(
    request: Request,
    fields: HeaderFields,
    parts: Parts,
    *,
    timeout_s: float,
    hold: Callable[[int], object],
) -> bytes:
    """Read the image that a request sends; ``timeout_s`` and ``hold`` are those of ``read_body``.

    Raises:
        BodyTooLarge, DeadlineExceeded: as ``read_body`` does.
        UnsupportedMediaType: the body is declared to be something else, or is something else.
        InvalidUpload: there is no image, or more than one.
    """
    content_type = fields.get("content-type", "none")
    declared: str | None = content_type.partition(";")[0].strip().lower()
    if declared not in (*MEDIA_TYPES, FORM):
        raise UnsupportedMediaType(
            f"content type {shortened(declared or '')!r} of the body is none of: "
            f"{', '.join(MEDIA_TYPES)}, or {FORM} with a file field {FIELD!r}"
        )
    upload = await read_body(
        request,
        fields,
        max_bytes=parts.settings.max_upload_bytes,
        timeout_s=timeout_s,
        hold=hold,
    )
    if declared == FORM:
        file = await parts.engine.run_decoding(file_of_form, upload, content_type)
        upload, declared = file.data, file.media_type
    if not upload:
        raise InvalidUpload("the upload is empty; the bytes of an image would be right")
    image_format = format_of(upload)
    if declared not in (*_UNDECLARED, image_format.media_type):
        raise UnsupportedMediaType(
            f"the upload is declared to be {shortened(declared or '')!r}, but is a "
            f"{image_format.name}: {image_format.media_type!r} would be right"
        )
    return upload
