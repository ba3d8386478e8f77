"""Requests in order of arrival, whose images leave in parts. Knows no batch and no schedule."""

from collections import OrderedDict
from collections.abc import Sequence

from app.pending import Part, PendingRequest


class RequestQueue:
    """All of it belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._requests: OrderedDict[PendingRequest, None] = OrderedDict()
        self._num_images = 0

    def __len__(self) -> int:
        """Requests of which anything waits."""
        return len(self._requests)

    @property
    def num_images(self) -> int:
        return self._num_images

    @property
    def first(self) -> PendingRequest:
        return next(iter(self._requests))

    def append(self, request: PendingRequest) -> None:
        self._requests[request] = None
        self._num_images += request.num_images

    def remove(self, request: PendingRequest) -> None:
        """What still waits of it, wherever it stands, if anything does."""
        if request in self._requests:
            del self._requests[request]
            self._num_images -= request.num_images - request.num_taken

    def take(self, max_images: int, now: float) -> list[Part]:
        """What waits longest and may be computed in one run; late requests are answered so."""
        parts: list[Part] = []
        while max_images and self._requests:
            request = self.first
            if now >= request.deadline:  # its timer is late
                request.expire()
            if request.future.done():
                self.remove(request)
                continue
            if parts and request.inputs.keys() != parts[0].request.inputs.keys():
                break  # it says otherwise what to compute: the next run is for it
            part = Part(
                request, request.num_taken, min(max_images, request.num_images - request.num_taken)
            )
            parts.append(part)
            max_images -= part.num_images
            self._num_images -= part.num_images
            request.num_taken += part.num_images
            if request.num_taken == request.num_images:
                del self._requests[request]
        return parts

    def put_back(self, parts: Sequence[Part]) -> None:
        """What was taken last, to where it stood; who waits no longer does not come back."""
        for part in reversed(parts):
            request = part.request
            if request.future.done():
                continue
            request.num_taken -= part.num_images
            self._num_images += part.num_images
            self._requests[request] = None
            self._requests.move_to_end(request, last=False)
