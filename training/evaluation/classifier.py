"""The network of the judges, and how it learns a labelled data set. Knows no files and no GAN."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from training.data.datasets import ImageDataset
from training.data.sampling import EpochSampler
from training.devices import native_precision

EPOCHS = 10
MIN_STEPS = 1500  # of data sets that are too small to learn in so many epochs
MIN_STEPS_LARGE = 600  # of images above 32 x 32 pixels, where a step costs four times as much
LARGE = 32  # pixels
BATCH_SIZE = 128
PEAK_LR = 4e-3
MAX_SHIFT = 2  # pixels: the only augmentation
SEED = 20_200
INFERENCE_BATCH_SIZE = 500


class ConvolutionalClassifier(nn.Sequential):
    """Images (N, C, H, W) in [-1, 1] -> class logits (N, num_classes)."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__(
            _block(channels, 32), _block(32, 32), nn.MaxPool2d(2),
            _block(32, 64), _block(64, 64), nn.MaxPool2d(2),
            _block(64, 128), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.3),
            nn.Linear(4 * 128, num_classes),
        )  # fmt: skip


def recipe(dataset: ImageDataset) -> str:
    """What decides the weights beside the data: another recipe is another judge."""
    with torch.device("meta"):
        network = ConvolutionalClassifier(1, 2)
    known = f"{network} {EPOCHS} {BATCH_SIZE} {PEAK_LR} {MAX_SHIFT} {SEED}"
    least = _min_steps(dataset)
    return known if _num_steps(dataset) > least else f"{known} {least}"


def train_classifier(dataset: ImageDataset, description: str) -> ConvolutionalClassifier:
    """Learn a data set from the start: equal data gives equal weights on one kind of machine.

    Torch's global random state is left as it was.
    """
    assert dataset.labels is not None  # noqa: S101  # callers learn sets with classes only
    with torch.random.fork_rng(devices=[]):
        network = ConvolutionalClassifier(dataset.channels, len(dataset.class_names))
        torch.default_generator.manual_seed(SEED)  # torch.manual_seed would reseed GPUs, too
        _train(network, dataset, dataset.labels, description)
    return network.eval().requires_grad_(False)


def predict(network: nn.Module, images: Tensor) -> Tensor:
    """Class indices int64 (N,) that a classifier reads in images uint8 (N, C, H, W)."""
    with torch.no_grad():
        parts = [network(scaled(part)) for part in images.split(INFERENCE_BATCH_SIZE)]
    return torch.cat([logits.argmax(dim=1) for logits in parts])


def scaled(images: Tensor) -> Tensor:
    """Images uint8 -> [-1, 1], in the memory order that convolutions like."""
    return (images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def initialise(network: nn.Module) -> None:
    """Draw all weights anew from torch's random state."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.reset_parameters()


def _num_steps(dataset: ImageDataset) -> int:
    return max(EPOCHS * len(dataset) // BATCH_SIZE, _min_steps(dataset))


def _min_steps(dataset: ImageDataset) -> int:
    return MIN_STEPS if dataset.images.shape[-1] <= LARGE else MIN_STEPS_LARGE


def _block(entering: int, leaving: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(entering, leaving, 3, padding=1, bias=False),
        nn.BatchNorm2d(leaving),
        nn.ReLU(inplace=True),
    )


def _train(network: nn.Module, dataset: ImageDataset, labels: Tensor, description: str) -> None:
    initialise(network)
    num_steps = _num_steps(dataset)
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LR, num_steps)
    sampler = EpochSampler(len(dataset), seed=SEED)
    is_bf16 = native_precision(torch.device("cpu")) == "bf16"
    network.train().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    for _ in tqdm(range(num_steps), desc=description, disable=None):
        indices = sampler.next_batch(BATCH_SIZE)
        images = _shifted(scaled(dataset.images[indices]))
        with torch.autocast("cpu", torch.bfloat16, enabled=is_bf16):
            logits = network(images)
        loss = F.cross_entropy(logits.float(), labels[indices], label_smoothing=0.05)
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
