"""What is measured and simulated. Everything that a figure of the page depends on stands here."""

from benchmarks.scale.replica import Limits

FLOAT, INT8 = "dcgan-mnist", "dcgan-mnist-int8"
MODELS = (FLOAT, INT8)
LIGHT = "gan-mnist"
"""Whose runs take next to nothing: for what a request costs beside them."""
SIZED = (FLOAT, INT8, "cgan-avatars")
"""Models whose files are weighed; the last is 64x64 pixels in colour."""

REPLICA = Limits(cores=2)
"""A pod of deploy/kubernetes/overlays/cpu, else with the defaults of the settings."""
ONE_CORE = Limits(cores=1)

LIVE = ((FLOAT, 0.3), (FLOAT, 0.5), (INT8, 0.4))
"""Loads at which the service itself is asked, beside the simulation."""
LIVE_S, LIVE_WARM_UP_S, LIVE_ROUNDS = 8.0, 1.0, 3

LOADS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.1, 1.2)
LOAD_REQUESTS, OVERLOAD_TRIES = 12_000, 5

ROUTED_REPLICAS = 16
ROUTED_LOADS = (0.5, 0.7, 0.8, 0.9)
ROUTED_REQUESTS = 40_000

RATES = (10, 1_000, 100_000)
"""Requests a second, of one image."""
MOST_P99_MS = 100
FIRST_TRIED, STEPS = 1.04, 50
"""Replicas tried: from so many times those that would be busy all the time, rounded down, by one of
``STEPS`` parts more each time, or by one replica."""
RATE_REQUESTS = {10: 4_000, 1_000: 30_000, 100_000: 200_000}

EXPONENTS = (0.6, 0.8, 1.0, 1.2)
NUM_URLS = (100_000, 10_000_000, 1_000_000_000)
DAY_S = 86_400
NUM_EDGES = 100
KEPT_SHARE = 0.1
CACHED = (1.0, 10_000_000)
"""Exponent and URLs with which the replicas behind a CDN are counted."""

RUSHES = (2, 4, 8)
RUSH_PODS, RUSH_LOAD = 4, 0.5
RUSH_START_S, RUSH_S = 30, 900

CORE_HOUR, GPU_HOUR = 0.04, 3.00
"""Dollars: assumptions, round and of no vendor."""
LOADED = 0.6
"""Share of what it can make at most for which a replica is planned and paid. Its cores are busy for
more of the time, since runs are small where little waits."""
SEED = 20261128
