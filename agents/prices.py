"""Prices and context windows of models: the operator's own, then those of the installed price list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import pydantic
from genai_prices import Usage as Counted
from genai_prices import calc_price
from genai_prices.types import PriceCalculation

from agents.conversation import TokenUsage

#: Tokens of a context window that is not known; small enough for all current models.
WINDOW = 128_000


Usd = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD for one million tokens. `cached` is for input that the endpoint had in its cache."""

    input: Usd
    output: Usd
    cached: Usd | None = None


class Prices:
    """`own` prices come first, by the model's exact name; `windows` is in tokens for all models."""

    def __init__(self, own: Mapping[str, Price] | None = None, *, window: int | None = None) -> None:
        self._own = dict(own or {})
        self._window = window

    def cost(self, model: str, usage: TokenUsage) -> float | None:
        """USD of one reply; None when the model's price is not known."""
        if price := self._own.get(model):
            cached = price.input if price.cached is None else price.cached
            fresh = usage.input - usage.cached
            return (fresh * price.input + usage.cached * cached + usage.output * price.output) / 1_000_000
        return _listed(model, usage.input, usage.output, usage.cached)

    def window(self, model: str) -> int:
        """The smallest context window, in tokens, of the models named (with commas between)."""
        return self._window or min(_listed_window(name.strip()) or WINDOW for name in model.split(","))


def _listed(model: str, tokens_in: int, tokens_out: int, cached: int) -> float | None:
    if not model or (known := _known(model)) is None:
        return None
    counted = Counted(input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cached)
    return float(known.model.calc_price(counted, known.provider).total_price)


def _listed_window(model: str) -> int | None:
    known = _known(model)
    return known.model.context_window if known else None


@lru_cache(maxsize=64)
def _known(model: str) -> PriceCalculation | None:
    """A model's entry in the price list. Cached, because the list matches a hundred patterns."""
    try:
        return calc_price(Counted(input_tokens=1, output_tokens=1), model)
    except LookupError:
        return None
