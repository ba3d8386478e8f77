"""ganserve against other model servers: same machine, same ONNX file, same images."""
