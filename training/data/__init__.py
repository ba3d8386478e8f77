"""Training data: found, verified, decoded and divided; uint8 tensors in memory."""
