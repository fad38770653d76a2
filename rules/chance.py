"""How improbable a count is: the tails of a negative binomial, as -log10 of their probability."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

_LN10 = log(10)
_STEPS = 500
_PRECISE = 1e-10
_TINY = 1e-300  # stands for zero in the continued fraction


def improbability(count: float, mean: float, size: float) -> float:
    """-log10 of Pr(X >= count) for a negative binomial of this mean and size (its variance is mean + mean² / size).

    0 for what is no more than the mean: nobody asks how usual the usual is. Neither count nor mean need be whole. In logarithms
    throughout, so that it goes on growing where a probability would have become 0.
    """
    if count <= mean or mean <= 0:
        return 0.0
    return _tail(count, size, mean / (mean + size))


def scarcity(count: float, mean: float, size: float) -> float:
    """-log10 of Pr(X <= count) for the same negative binomial; 0 for what is no less than the mean."""
    if count >= mean:
        return 0.0
    return _tail(size, count + 1.0, size / (mean + size))


def _tail(a: float, b: float, share: float) -> float:
    """-log10 of the regularised incomplete beta function of a share."""
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(share) + b * log1p(-share)
    if share < (a + 1.0) / (a + b + 2.0):
        return -(front + log(_fraction(a, b, share) / a)) / _LN10
    rest = exp(front) * _fraction(b, a, 1.0 - share) / b  # so close to the mean, the other tail is found faster
    return -log(_kept_from_zero(1.0 - rest)) / _LN10


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method.

    It converges fast where x < (a + 1) / (a + b + 2).
    """
    upper, lower = 1.0, 1.0 / _kept_from_zero(1.0 - (a + b) * x / (a + 1.0))
    fraction = lower
    for step in range(1, _STEPS):
        twice = a + 2 * step
        even = step * (b - step) * x / ((twice - 1.0) * twice)
        odd = -(a + step) * (a + b + step) * x / (twice * (twice + 1.0))
        before = fraction
        for part in (even, odd):
            lower = 1.0 / _kept_from_zero(1.0 + part * lower)
            upper = _kept_from_zero(1.0 + part / upper)
            fraction *= upper * lower
        if abs(fraction - before) < _PRECISE * abs(fraction):
            break
    return fraction


def _kept_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
