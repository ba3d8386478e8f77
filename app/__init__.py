"""The service: FastAPI at the edge, ONNX Runtime inside. Knows neither PyTorch nor training."""
