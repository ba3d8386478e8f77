"""One model in ONNX Runtime: card checked, warmed up, run. Knows no files and no HTTP."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.bound_runs import BoundRuns, TensorShape
from app.devices import ExecutionProvider
from app.errors import InferenceFailed, ModelRefused
from app.execution_providers import first_line, open_session
from app.signature import check_mixing, check_signature
from contract import IMAGES, LABEL_WEIGHTS, CardError, ModelCard

_DTYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(uint8)": np.uint8}


class Session:
    """An ONNX Runtime session whose inputs and output are known to be those of its card.

    ``run`` may be called from several threads at once, but where the provider has buffers: it
    releases the GIL, and each call computes on the thread that made it.

    Raises (when constructed):
        ModelRefused: not a model, no card, or the model does not fit its card.
        ExecutionProviderUnavailable: the model is sound, but the execution provider is not active.
    """

    def __init__(
        self, model: bytes, provider: ExecutionProvider, *, batch_sizes: Sequence[int] = ()
    ) -> None:
        """``batch_sizes``: the only sizes that are run, smaller batches are padded; empty: any."""
        self._session = open_session(model, provider)
        self.execution_provider: str = provider.name
        try:
            self.card = card = self._checked_card()
            self.mixes_classes = self._has_label_weights(card)
        except UnicodeDecodeError as error:  # of any name or text in the file
            raise ModelRefused(f"a text in it is not UTF-8: {error.reason}") from error
        self._batch_sizes = sorted(batch_sizes)
        self._row_shape = (card.height, card.width, card.channels)
        self._inputs = [
            TensorShape(tensor.name, tensor.shape[1:], _DTYPES[tensor.type])
            for tensor in self._session.get_inputs()
        ]
        self._bound: BoundRuns | None = None
        if provider.buffers_on is not None and batch_sizes:
            output = TensorShape(IMAGES, self._row_shape, np.uint8)
            self._bound = BoundRuns(self._session, self._inputs, output, device=provider.buffers_on)

    def warm_up(self) -> None:
        """Run every batch size in use once: libraries load lazily, a size's first run is slow."""
        for num_images in self._batch_sizes or [1]:
            self.run(
                {each.name: np.zeros((num_images, *each.row), each.dtype) for each in self._inputs}
            )

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
        """Compute images of shape (N, H, W, C) from inputs that all have N rows.

        Raises:
            InferenceFailed: ONNX Runtime failed, or gave something that is not such images.
        """
        num_images = len(next(iter(inputs.values())))
        padded = self._pad(inputs, num_images)
        try:
            if self._bound is None or LABEL_WEIGHTS in inputs:  # rare, without a buffer
                images = self._unbound(padded)
            else:
                images = self._bound.run(padded)
        except Exception as error:  # ONNX Runtime's exceptions have no common base of their own
            raise InferenceFailed(f"ONNX Runtime failed: {first_line(error)}") from error
        num_rows = len(next(iter(padded.values())))
        if images.shape != (num_rows, *self._row_shape) or images.dtype != np.uint8:
            raise InferenceFailed(
                f"the model gave {images.dtype} of shape {images.shape}, "
                f"not uint8 of shape {(num_rows, *self._row_shape)}"
            )
        return images[:num_images]

    def _checked_card(self) -> ModelCard:
        session = self._session
        try:
            card = ModelCard.from_metadata(session.get_modelmeta().custom_metadata_map)
        except CardError as error:
            raise ModelRefused(str(error)) from error
        check_signature(card, inputs=session.get_inputs(), outputs=session.get_outputs())
        return card

    def _has_label_weights(self, card: ModelCard) -> bool:
        """Whether the model takes rows that weigh its classes, where it is given a class index."""
        optional = {each.name: each for each in self._session.get_overridable_initializers()}
        weights = optional.get(LABEL_WEIGHTS)
        if weights is not None:
            check_mixing(card, weights)
        return weights is not None

    def _unbound(self, inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
        (images,) = self._session.run([IMAGES], inputs)
        return images  # type: ignore[no-any-return]

    def _pad(
        self, inputs: Mapping[str, NDArray[Any]], num_images: int
    ) -> Mapping[str, NDArray[Any]]:
        size = next((size for size in self._batch_sizes if size >= num_images), num_images)
        if size == num_images:
            return inputs
        return {
            name: np.concatenate([rows, np.zeros((size - num_images, *rows.shape[1:]), rows.dtype)])
            for name, rows in inputs.items()
        }
