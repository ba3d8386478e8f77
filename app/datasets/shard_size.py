"""How many images a shard has unless told otherwise. Knows nothing else, and costs nothing."""

SHARD_SIZE = 10_000
"""Tens of megabytes, and seconds of work."""
