"""A judge for images without labels: features of a network with seeded random weights.

Random embeddings compare distributions about as well as learned ones do (Naeem, Oh, Uh, Choi, Yoo
2020, "Reliable fidelity and diversity metrics for generative models", section 5). It knows no
classes.
"""

import hashlib

import torch
from safetensors.torch import save
from torch import nn

from training.data.datasets import ImageDataset
from training.evaluation.classifier import SEED, ConvolutionalClassifier, initialise, scaled
from training.evaluation.judge import NetworkJudge

NUM_BATCHES = 20  # of training images, over which the statistics of batch norm are measured
BATCH_SIZE = 100


def random_judge(train: ImageDataset) -> NetworkJudge:
    """The same network as the classifiers', never trained; its activations are normalised on
    ``train``, without which they would fade from layer to layer.

    Torch's global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = ConvolutionalClassifier(train.channels, 1)
        torch.default_generator.manual_seed(SEED)  # torch.manual_seed would reseed GPUs, too
        initialise(network)
        _measure_batch_norm(network, train)
    network.eval().requires_grad_(False)
    digest = hashlib.sha256(save({k: v.contiguous() for k, v in network.state_dict().items()}))
    return NetworkJudge(
        network=network.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
        description="a network with seeded random weights",
        test_accuracy=None,
        weights_sha256=digest.hexdigest(),
    )


def _measure_batch_norm(network: nn.Module, train: ImageDataset) -> None:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # a plain average over all batches
    network.train()
    order = torch.randperm(len(train))[: NUM_BATCHES * BATCH_SIZE]
    for indices in order.split(BATCH_SIZE):
        if len(indices) > 1:
            network(scaled(train.images[indices]))
