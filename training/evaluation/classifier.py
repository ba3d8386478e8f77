"""An independent judge: a classifier of a labelled data set, trained once and cached.

It sees the training split alone and its accuracy is told on the test split, so that a figure of a
generator can be read beside what the judge itself gets wrong.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from training.checkpoints import load_checkpoint, save_checkpoint
from training.datasets import ImageDataset
from training.devices import native_precision
from training.errors import TrainingError
from training.sampling import EpochSampler

EPOCHS = 10
BATCH_SIZE = 128
PEAK_LR = 4e-3
MAX_SHIFT = 2  # pixels: the only augmentation
SEED = 20_200


class ConvolutionalClassifier(nn.Sequential):
    """Images (N, C, H, W) in [-1, 1] -> class logits (N, num_classes)."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__(
            _block(channels, 32), _block(32, 32), nn.MaxPool2d(2),
            _block(32, 64), _block(64, 64), nn.MaxPool2d(2),
            _block(64, 128), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(4 * 128, num_classes),
        )  # fmt: skip


@dataclass(frozen=True)
class Judge:
    """A trained classifier and what is known of it."""

    network: nn.Module
    test_accuracy: float
    weights_sha256: str

    @torch.no_grad()
    def classify(self, pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Class indices (N,) of images uint8 (N, H, W, C)."""
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        return _predict(self.network, images).numpy()


def load_or_train_judge(train: ImageDataset, test: ImageDataset, cache_dir: Path) -> Judge:
    """The judge of a data set: from the cache if it was trained on exactly these images."""
    recipe = f"{_recipe()}-{train.fingerprint}".encode()
    path = cache_dir / f"{train.name}-{hashlib.sha256(recipe).hexdigest()[:16]}.safetensors"
    network = ConvolutionalClassifier(train.channels, len(train.class_names))
    if path.exists():
        tensors, record = load_checkpoint(path)
        try:
            network.load_state_dict(tensors)
            test_accuracy = float(record["test_accuracy"])
        except (KeyError, RuntimeError) as error:
            raise TrainingError(f"{path} is no judge ({error}); delete it") from error
    else:
        _train(network, train)
        network.eval()
        assert test.labels is not None
        test_accuracy = float((_predict(network, test.images) == test.labels).float().mean())
        path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(path, network.state_dict(), {"test_accuracy": test_accuracy})
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Judge(network.eval().requires_grad_(False), test_accuracy, digest)


def _recipe() -> str:
    """What decides the weights of a judge beside its data: another recipe is another judge."""
    return f"{ConvolutionalClassifier(1, 2)} {EPOCHS} {BATCH_SIZE} {PEAK_LR} {MAX_SHIFT} {SEED}"


def _block(entering: int, leaving: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(entering, leaving, 3, padding=1, bias=False),
        nn.BatchNorm2d(leaving),
        nn.ReLU(inplace=True),
    )


def _train(network: nn.Module, dataset: ImageDataset) -> None:
    assert dataset.labels is not None
    torch.manual_seed(SEED)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.reset_parameters()
    num_steps = EPOCHS * len(dataset) // BATCH_SIZE
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, num_steps)
    sampler = EpochSampler(len(dataset), seed=SEED)
    is_bf16 = native_precision(torch.device("cpu")) == "bf16"
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for _ in tqdm(range(num_steps), desc=f"training the judge of {dataset.name}", disable=None):
        indices = sampler.next_batch(BATCH_SIZE)
        images = _shifted(_scaled(dataset.images[indices]))
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
            logits = network(images)
        loss = F.cross_entropy(logits.float(), dataset.labels[indices], label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()


def _shifted(images: Tensor) -> Tensor:
    """All images of a batch moved by the same few pixels; the border repeats the edge."""
    down, right = torch.randint(2 * MAX_SHIFT + 1, (2,)).tolist()
    height, width = images.shape[-2:]
    padded = F.pad(images, [MAX_SHIFT] * 4, mode="replicate")
    return padded[..., down : down + height, right : right + width]


def _scaled(images: Tensor) -> Tensor:
    return (images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def _predict(network: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([network(_scaled(part)).argmax(dim=1) for part in images.split(500)])
