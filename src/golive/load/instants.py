"""When the requests of an open stage come."""

import random


def instants(begin: float, end: float, rate: float) -> list[float]:
    """When requests come: as many as the rate brings, each at any instant, in order.

    So they come as from the world (Poisson, given their number), and whether all were sent can be
    counted: the number itself is no matter of chance.
    """
    return sorted(random.uniform(begin, end) for _ in range(round(rate * (end - begin))))
