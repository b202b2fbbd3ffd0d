"""Logistic regression with a penalty on the square of the coefficients, in plain Python.

Solves: minimise ½‖c‖² + Σ cost · ln(1 + exp(−sign · c·x)), by dual coordinate descent (Yu, Huang and Lin, "Dual
coordinate descent methods for logistic regression and maximum entropy models", Machine Learning 85, 2011). It converges
in a dozen rounds, where stochastic gradients with as many are still far off.
"""

import math
import random
from collections.abc import Sequence
from operator import itemgetter, mul
from typing import NamedTuple

ROUNDS = 12
_NEWTON_STEPS = 20
_NEAR = 1e-3  # of the derivative, where a coordinate counts as solved
_SEED = 1


class Example(NamedTuple):
    """A sparse vector: the numbers of its coordinates (at least two) and their values; its sign, +1 or -1; its cost."""

    at: Sequence[int]
    values: Sequence[float]
    sign: float
    cost: float


def fit(examples: Sequence[Example], size: int) -> list[float]:
    """Returns the `size` coefficients. A coordinate that is 1 in all examples acts as the constant."""
    weights = [0.0] * size
    usable = [example for example in examples if example.cost > 0]
    norms = [sum(map(mul, example.values, example.values)) for example in usable]
    getters = [itemgetter(*example.at) for example in usable]
    alphas = [min(0.001 * example.cost, 1e-8) for example in usable]
    for example, alpha in zip(usable, alphas, strict=True):
        _add(weights, example, alpha)
    order = list(range(len(usable)))
    dice = random.Random(_SEED)  # noqa: S311 - nothing secret
    for _ in range(ROUNDS):
        dice.shuffle(order)
        for index in order:
            example = usable[index]
            margin = example.sign * sum(map(mul, getters[index](weights), example.values))
            alpha = _solve(alphas[index], norms[index], margin, example.cost)
            if change := alpha - alphas[index]:
                alphas[index] = alpha
                _add(weights, example, change)
    return weights


def _add(weights: list[float], example: Example, change: float) -> None:
    step = change * example.sign
    for at, value in zip(example.at, example.values, strict=True):
        weights[at] += step * value


def _solve(alpha: float, norm: float, margin: float, cost: float) -> float:
    """Returns the value in (0, cost) of one dual variable that is best while the others stay; `alpha` is its present
    one.

    Newton's method on the derivative of ½·norm·(z − alpha)² + margin·(z − alpha) + z·ln z + (cost − z)·ln(cost − z); a
    step that would leave the interval goes a tenth of the way to its end.
    """
    low, high = 1e-12 * cost, cost * (1 - 1e-12)
    z = min(max(alpha, low), high)
    for _ in range(_NEWTON_STEPS):
        slope = norm * (z - alpha) + margin + math.log(z / (cost - z))
        if abs(slope) < _NEAR:
            break
        new = z - slope / (norm + cost / (z * (cost - z)))
        z = new if low < new < high else z * 0.1 if new <= low else high - (high - z) * 0.1
        z = min(max(z, low), high)
    return z
