"""Everything that can go wrong on purpose, as one tree. Knows no HTTP framework.

GanServeError                     500
├── Unauthorized                  401   an API key is needed, and none of ours was shown
├── Forbidden                     403   the key's role does not suffice
├── InvalidParameter              422   a parameter's value, or one that does not fit the model
├── ModelNotFound                 404   the model asked for is not served
├── LabelNotFound                 404   the model has no such class
├── NotAcceptable                 406   no format that the client accepts
├── RequestTimeout                408   the head of a request did not arrive in time
├── ReloadRefused                 409   the repository cannot be read, or nothing would be left
├── BodyTooLarge                  413   a body of more bytes than are read
├── UrlTooLong                    414   a URL of more bytes than are read
├── UnsupportedMediaType          415   a body of a type or coding that is not read, or no image
├── InvalidUpload                 422   an image damaged, animated or too large, or a wrong form
├── QueueFull                     429   shed load; try again after Retry-After
├── RateLimited                   429   the key has had what it may have for now
├── HeadTooLarge                  431   header fields of more bytes than are read, or more of them
├── InferenceFailed               500   the session failed; the cause is in the log
├── ModelRefused                  500   at start-up: a model file that is listed as failed
├── NotReady                      503   not every model is warm, or none is served
├── Draining                      503   shutting down; another replica will answer
├── DeadlineExceeded              504   request_timeout_s, or what the client allows, passed
└── ExecutionProviderUnavailable  503   at start-up, and stops it: the device asked for is not there

The message of an error names the thing, its value and what would be right.
"""

from typing import ClassVar

MAX_SHOWN = 100
"""So many characters of a text that a client sent are shown to it again."""


class GanServeError(Exception):
    """An error with the status, title and problem type (RFC 9457) that a client is told."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    type: ClassVar[str] = "/problems/internal-error"

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.headers: dict[str, str] = headers or {}

    @property
    def detail(self) -> str:
        return str(self)


def shortened(text: str) -> str:
    """A text of any length, cut to one that fits a message."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


class Unauthorized(GanServeError):
    status = 401
    title = "Unauthorized"
    type = "/problems/unauthorized"

    def __init__(self, detail: str, *, challenge: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(GanServeError):
    status = 403
    title = "Forbidden"
    type = "/problems/forbidden"


class InvalidParameter(GanServeError):
    status = 422
    title = "Invalid parameter"
    type = "/problems/invalid-parameter"


class ModelNotFound(GanServeError):
    status = 404
    title = "Model not found"
    type = "/problems/model-not-found"


class LabelNotFound(GanServeError):
    status = 404
    title = "Label not found"
    type = "/problems/label-not-found"


class NotAcceptable(GanServeError):
    status = 406
    title = "Not acceptable"
    type = "/problems/not-acceptable"


class RequestTimeout(GanServeError):
    status = 408
    title = "Request timeout"
    type = "/problems/request-timeout"


class ReloadRefused(GanServeError):
    status = 409
    title = "Reload refused"
    type = "/problems/reload-refused"


class BodyTooLarge(GanServeError):
    status = 413
    title = "Body too large"
    type = "/problems/body-too-large"


class UrlTooLong(GanServeError):
    status = 414
    title = "URL too long"
    type = "/problems/url-too-long"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class UnsupportedMediaType(GanServeError):
    status = 415
    title = "Unsupported media type"
    type = "/problems/unsupported-media-type"


class InvalidUpload(GanServeError):
    status = 422
    title = "Invalid upload"
    type = "/problems/invalid-upload"


class QueueFull(GanServeError):
    status = 429
    title = "Queue full"
    type = "/problems/queue-full"

    def __init__(self, detail: str, *, retry_after_s: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})

    @property
    def retry_after_s(self) -> int:
        """Seconds after which there should be room."""
        return int(self.headers["Retry-After"])


class RateLimited(GanServeError):
    status = 429
    title = "Rate limited"
    type = "/problems/rate-limited"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class HeadTooLarge(GanServeError):
    status = 431
    title = "Request header fields too large"
    type = "/problems/head-too-large"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})


class InferenceFailed(GanServeError):
    status = 500
    title = "Inference failed"
    type = "/problems/inference-failed"


class ModelRefused(GanServeError):
    status = 500
    title = "Model refused"
    type = "/problems/model-refused"


class NotReady(GanServeError):
    status = 503
    title = "Not ready"
    type = "/problems/not-ready"


class Draining(GanServeError):
    status = 503
    title = "Shutting down"
    type = "/problems/draining"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"Connection": "close"})  # the next one goes elsewhere


class DeadlineExceeded(GanServeError):
    status = 504
    title = "Deadline exceeded"
    type = "/problems/deadline-exceeded"


class ExecutionProviderUnavailable(GanServeError):
    status = 503
    title = "Execution provider unavailable"
    type = "/problems/execution-provider-unavailable"
