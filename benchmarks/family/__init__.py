"""The GAN family on one data set, width and budget: which system makes the better images."""
