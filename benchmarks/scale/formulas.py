"""Mean times in queues that mathematics knows, to hold the simulation to.

Kleinrock, Queueing Systems I, 1975: equation 3.26 (M/M/1) and 5.72 (Pollaczek and Khinchine).
"""


def mm1_mean_s(*, rate: float, service_s: float) -> float:
    """From arrival to departure, service times drawn from an exponential distribution."""
    return service_s / (1 - rate * service_s)


def md1_mean_s(*, rate: float, service_s: float) -> float:
    """The same where all service times are equal."""
    return mg1_mean_s(rate=rate, service_s=service_s, variation=0.0)


def mg1_mean_s(*, rate: float, service_s: float, variation: float) -> float:
    """For any service times; ``variation`` is their variance over the square of their mean."""
    load = rate * service_s
    return service_s + load * service_s * (1 + variation) / (2 * (1 - load))
