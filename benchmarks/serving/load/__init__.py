"""The load generators, none of them in Python, and what they print."""
