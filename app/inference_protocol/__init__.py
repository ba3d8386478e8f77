"""Open Inference Protocol, version 2, with Triton's binary tensors: an adapter to the engine."""
