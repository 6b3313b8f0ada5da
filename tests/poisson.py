"""The exact 95 % interval of a Poisson count, from its definition.

Belongs here: the interval and the distribution it is solved from. Does not belong here: the closed
form that the models use.
"""

from collections.abc import Callable
from math import exp, fsum, lgamma, log, sqrt

TAIL = 0.025


def exact_interval(count: int) -> tuple[float, float]:
    """Means at which a count so high, and one so low, has a probability of 2.5 %."""
    far = count + 20 + 10 * sqrt(count)
    upper = _solve(lambda mean: probability_up_to(count, mean) > TAIL, 1e-9, far)
    if count == 0:
        return 0.0, upper
    lower = _solve(lambda mean: 1 - probability_up_to(count - 1, mean) < TAIL, 1e-9, count)
    return lower, upper


def probability_up_to(count: int, mean: float) -> float:
    """Probability of at most so many events; terms too small to matter are left out."""
    first = max(0, int(min(count, mean) - 12 * sqrt(max(count, mean))))
    return fsum(
        exp(number * log(mean) - mean - lgamma(number + 1)) for number in range(first, count + 1)
    )


def _solve(is_below: Callable[[float], bool], lower: float, upper: float) -> float:
    for _ in range(50):
        middle = (lower + upper) / 2
        if is_below(middle):
            lower = middle
        else:
            upper = middle
    return (lower + upper) / 2
