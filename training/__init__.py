"""Offline training of generative adversarial networks and export to ONNX. Knows no service."""
