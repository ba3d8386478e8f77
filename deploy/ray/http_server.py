"""How uvicorn, which Ray starts in each ingress, writes answers. Knows no request."""

from uvicorn.config import HTTP_PROTOCOLS

from app.http_protocol.joining import JoiningProtocol


def join_heads_with_bodies() -> None:
    """Have the servers that are started in this process from now on write both at once.

    Ray leaves the protocol to uvicorn's choice ("auto") and takes no class, so the choice is
    changed. HAProxy sends a request again only as long as nothing of its answer has come.
    """
    HTTP_PROTOCOLS["auto"] = f"{JoiningProtocol.__module__}:{JoiningProtocol.__qualname__}"
