"""Prices and context windows of models: the operator's own, then those of the installed price list."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
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


#: Services that send the cost with each reply.
_REPORT_COSTS = ("openrouter.ai",)
Usd = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD for one million tokens. `cached` is for input that the endpoint had in its cache."""

    input: Usd
    output: Usd
    cached: Usd | None = None


class Prices:
    """`own` prices come first, by the model's exact name; `window` is in tokens for all models. The endpoint
    at `base_url` decides whose published prices count: one model costs differently at different services."""

    def __init__(
        self, own: Mapping[str, Price] | None = None, *, window: int | None = None, base_url: str = ""
    ) -> None:
        self._own = dict(own or {})
        self._window = window
        self._base_url = base_url

    def cost(self, model: str, usage: TokenUsage, served: str = "") -> float | None:
        """USD of one reply; None when it is not known.

        The operator's price counts before what the service says that the reply cost, and that before the
        published price. `served` is the service's own name for the model: Azure's deployments have any name.
        """
        if price := self._own.get(model):
            cached = price.input if price.cached is None else price.cached
            fresh = usage.input - usage.cached
            tokens = fresh * price.input + usage.cached * cached + usage.output * price.output
            return tokens / 1_000_000 + usage.fees
        if usage.cost is not None:
            return usage.cost
        counts = (usage.input, usage.output, usage.cached)
        found = _listed(model, self._base_url, *counts)
        if found is None:
            found = _listed(served, self._base_url, *counts)
        return None if found is None else found + usage.fees

    def knows(self, model: str) -> bool:
        """Whether replies of a model will have a cost, as far as that can be said before the first one."""
        reports = any(host in self._base_url for host in _REPORT_COSTS)
        return reports or self.cost(model, TokenUsage(1, 1)) is not None

    def window(self, model: str) -> int:
        """The smallest context window, in tokens, of the models named (with commas between)."""
        return self._window or min(
            _listed_window(name.strip(), self._base_url) or WINDOW for name in model.split(",")
        )


def _listed(model: str, base_url: str, tokens_in: int, tokens_out: int, cached: int) -> float | None:
    if not model or (known := _known(model, base_url)) is None:
        return None
    counted = Counted(input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cached)
    return float(known.model.calc_price(counted, known.provider).total_price)


def _listed_window(model: str, base_url: str) -> int | None:
    known = _known(model, base_url)
    return known.model.context_window if known else None


@lru_cache(maxsize=64)
def _known(model: str, base_url: str) -> PriceCalculation | None:
    """A model's entry in the price list: that of the endpoint's provider, else that of the model's own.
    Cached, because the list matches a hundred patterns."""
    for address in (base_url, None) if base_url else (None,):
        with suppress(LookupError):  # the list does not know the provider, or not this model
            return calc_price(Counted(input_tokens=1, output_tokens=1), model, provider_api_url=address)
    return None
