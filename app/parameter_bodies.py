"""The JSON body that holds the parameters of a POST. Knows no parameter."""

from starlette.requests import Request

from app.bodies import read_body
from app.errors import InvalidParameter, UnsupportedMediaType, shortened
from app.header_fields import HeaderFields
from app.queries import MAX_PARAMETER_BYTES
from app.settings import Settings


async def read_parameter_body(
    request: Request, fields: HeaderFields, settings: Settings, *, timeout_s: float
) -> bytes:
    """The body, which is JSON by its own account, or empty.

    Raises:
        InvalidParameter: there is a query.
        UnsupportedMediaType: the body is of another type.
        BodyTooLarge, DeadlineExceeded: as ``read_body`` does.
    """
    if query := request.scope["query_string"]:
        raise InvalidParameter(
            f"POST takes its parameters in a JSON body, not in the query "
            f"{shortened(query.decode('latin-1'))!r}"
        )
    body = await read_body(
        request,
        fields,
        max_bytes=min(settings.max_upload_bytes, MAX_PARAMETER_BYTES),
        timeout_s=timeout_s,
    )
    media_type = fields.get("content-type", "none").partition(";")[0].strip().lower()
    if body and media_type != "application/json":
        raise UnsupportedMediaType(
            f"content type {shortened(media_type)!r} of the body is not 'application/json'"
        )
    return body
