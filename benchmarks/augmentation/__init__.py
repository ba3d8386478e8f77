"""Do generated images help a classifier? With and without them, beside what is done otherwise."""
