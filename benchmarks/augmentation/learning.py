"""A small classifier, how it learns and how good it is. Knows no source of images.

The judge's network (training/evaluation/classifier.py) has ten times the multiplications: with it
this benchmark would take hours on a CPU.
"""

import math

import torch
import torch.nn.functional as F
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch import Tensor, nn

from benchmarks.augmentation import plan
from benchmarks.augmentation.material import Batches
from training.data.datasets import ImageDataset
from training.evaluation.classifier import scaled

_AT_A_TIME = 1000


def learn(batches: Batches, num_classes: int, *, moves: bool, class_weights: Tensor | None,
          seed: int) -> nn.Module:  # fmt: skip
    """Train from the start; equal seeds give equal weights on one kind of machine."""
    torch.manual_seed(seed)
    network = _network(num_classes).train()
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=plan.WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.PEAK_LR, plan.STEPS)
    for _ in range(plan.STEPS):
        images, labels = batches.next()
        seen = moved(scaled(images)) if moves else scaled(images)
        loss = F.cross_entropy(network(seen), labels, weight=class_weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def measure(network: nn.Module, test: ImageDataset) -> dict[str, float]:
    """Accuracy, mean recall of the classes, and for two classes each recall and the AUC."""
    assert test.labels is not None  # noqa: S101  # the data sets compared here have classes
    with torch.no_grad():
        parts = [network(scaled(part)) for part in test.images.split(_AT_A_TIME)]
    scores = torch.cat(parts).softmax(dim=1)
    labels, chosen = test.labels.numpy(), scores.argmax(dim=1).numpy()
    figures = {
        "accuracy": float((labels == chosen).mean()),
        "balanced_accuracy": float(balanced_accuracy_score(labels, chosen)),
    }
    if len(test.class_names) == 2:
        figures["auc"] = float(roc_auc_score(labels, scores[:, 1].numpy()))
        for label, name in enumerate(test.class_names):
            figures[f"recall_{name}"] = float((chosen[labels == label] == label).mean())
    return figures


def moved(images: Tensor) -> Tensor:
    """Each image (N, C, H, W) shifted and rotated by itself; the border repeats the edge."""
    n, size = len(images), images.shape[-1]
    angles = (2 * torch.rand(n) - 1) * math.radians(plan.MAX_ROTATION)
    shifts = (2 * torch.rand(n, 2) - 1) * plan.MAX_SHIFT * 2 / size  # in half widths
    cosine, sine = angles.cos(), angles.sin()
    rows = [
        torch.stack([cosine, -sine, shifts[:, 0]], 1),
        torch.stack([sine, cosine, shifts[:, 1]], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def inverse_frequencies(labels: Tensor) -> Tensor:
    """Weights of the classes, 1 on average over the images."""
    counts = labels.bincount().float()
    return counts.sum() / (len(counts) * counts)


def _network(num_classes: int) -> nn.Module:
    return nn.Sequential(
        _block(1, 16), nn.MaxPool2d(2), _block(16, 32), nn.MaxPool2d(2),
        _block(32, 64), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Dropout(0.3),
        nn.Linear(4 * 64, num_classes),
    )  # fmt: skip


def _block(entering: int, leaving: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(entering, leaving, 3, padding=1, bias=False),
        nn.BatchNorm2d(leaving),
        nn.ReLU(inplace=True),
    )
