"""What a model is worth, measured on its images as they are served. Knows no training loop."""
