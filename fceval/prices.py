"""What tokens cost: by the user's own price file, else as the `genai-prices` package lists it, else unknown.

An unknown price is unknown, never 0. Prices are looked up once, when a run begins, and are written into its
`run.json`: what a run has cost is then a function of its folder, whatever becomes of the lists.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fceval.errors import ConfigError, did_you_mean
from fceval.records import Json, JsonObject, Usage
from fceval.tomlfile import read_toml

PER_TOKENS = 1_000_000
"""Tokens that a price is for."""
_LIST = "genai_prices"
_OWN = "embedded:"
"""Begins the base URL of an endpoint that nobody bills."""
_FIELDS = {"input": True, "output": True, "cached_input": False}
"""Fields of a table in a price file, and whether it must have them."""
_MOST_USD = 1_000_000.0
_HALF_HOURS = 48


@dataclass(frozen=True, slots=True)
class Price:
    """What a model's tokens cost, in USD per million tokens."""

    input_usd: float
    """Of the prompt."""
    output_usd: float
    """Of the answer, reasoning included."""
    source: str
    """For a person: who says so."""
    cached_input_usd: float | None = None
    """Of prompt tokens that the endpoint had in its cache; None: as the others."""
    longest_prompt_tokens: int | None = None
    """Longer prompts have another price, which is not known here; None: all have this one."""


def cost_usd(usage: Usage, price: Price | None, cached_tokens: int = 0) -> float | None:
    """Return what a request has cost, in USD; None where its tokens or their price are unknown.

    Args:
        usage: Tokens as the endpoint reported them.
        price: Of the model; None: unknown.
        cached_tokens: How many of the prompt's tokens the endpoint had in its cache.
    """
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    if price is None or prompt is None or completion is None:
        return None
    if price.longest_prompt_tokens is not None and prompt > price.longest_prompt_tokens:
        return None
    cached = min(max(cached_tokens, 0), prompt) if price.cached_input_usd is not None else 0
    paid = (prompt - cached) * price.input_usd + cached * (price.cached_input_usd or 0.0)
    return (paid + completion * price.output_usd) / PER_TOKENS


def resolve(models: Iterable[str], base_url: str, price_file: Path | None) -> dict[str, Price]:
    """Return the prices of models; one whose price is unknown is not in it.

    Args:
        models: Names as the endpoint knows them.
        base_url: Of the endpoint; its host says whose list price holds. A host that no list knows (a gateway, a
            server of one's own) bills as it likes, so its prices are unknown unless the file has them.
        price_file: The user's own prices, which win; None: there are none.

    Raises:
        ConfigError: The price file cannot be used; the message names all its mistakes.
    """
    own = read_price_file(price_file) if price_file else {}
    found = {model: _own_price(own, model) or _listed_price(model, base_url) for model in dict.fromkeys(models)}
    return {model: price for model, price in found.items() if price is not None}


def require_prices(models: Iterable[str], prices: Mapping[str, Price], base_url: str) -> None:
    """Refuse a limit of cost that could not be kept.

    Raises:
        ConfigError: The price of a model is unknown; the message names each.
    """
    unknown = [why_unknown(model, base_url) for model in dict.fromkeys(models) if model not in prices]
    if unknown:
        msg = "a limit of cost needs the price of every model\n" + "\n".join(f"  {each}" for each in unknown)
        raise ConfigError(msg)


def why_unknown(model: str, base_url: str) -> str:
    """Return, for a person, that a model's price is unknown, and what to do."""
    if base_url.startswith(_OWN):
        return f"unknown price for `{model}`: {base_url} has none; give --prices FILE"
    if find_spec(_LIST) is None:
        return f"unknown price for `{model}`: give --prices FILE, or pip install 'fceval[prices]'"
    return f"unknown price for `{model}`: genai-prices has none for it at {base_url}; give --prices FILE"


def to_json(prices: Mapping[str, Price]) -> JsonObject:
    """Return prices as plain values, from which `from_json` makes them again."""
    return {
        model: {name: value for name, value in dataclasses.asdict(price).items() if value is not None}
        for model, price in prices.items()
    }


def from_json(value: Json) -> dict[str, Price]:
    """Return the prices that `to_json` wrote; none where a run has none written down (None).

    Raises:
        TypeError: It is nothing that `to_json` wrote.
    """
    tables = {} if value is None else value
    if not isinstance(tables, Mapping):
        msg = "`prices` is no object"
        raise TypeError(msg)
    return {model: _price_from(model, table) for model, table in tables.items()}


def _price_from(model: str, table: Json) -> Price:
    if not isinstance(table, Mapping):
        msg = f"the price of `{model}` is no object"
        raise TypeError(msg)
    given: dict[str, Any] = dict(table)
    amounts = [each for name, each in given.items() if name.endswith("_usd")]
    longest = given.get("longest_prompt_tokens", 0)
    if any(map(_misfit, amounts)) or not isinstance(given.get("source"), str) or not isinstance(longest, int):
        msg = f"the price of `{model}` is not one that fceval wrote"
        raise TypeError(msg)
    return Price(**given)


# --- the user's own -------------------------------------------------------------------------------------------


def read_price_file(path: Path) -> dict[str, Price]:
    """Return the prices of a TOML file by model; a name may end in `*`, which stands for any ending.

    ::

        ["gpt-4o-mini"]
        input = 0.15          # USD per million tokens
        output = 0.60
        cached_input = 0.075  # optional

    Raises:
        ConfigError: It cannot be read, or prices in it are wrong; the message names all mistakes.
    """
    tables = read_toml(path, "price file")
    problems = [problem for model, table in tables.items() for problem in _mistakes(model, table)]
    if problems:
        noun = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        msg = f"{path}: {noun}\n" + "\n".join(f"  {problem}" for problem in problems)
        raise ConfigError(msg)
    return {model: _price_of(table, f"{path.name}: {model}") for model, table in tables.items()}


def _mistakes(model: str, table: object) -> Iterator[str]:
    """Yield what is wrong with one table of a price file."""
    place = f'["{model}"]'
    if not isinstance(table, dict):
        yield f'{model}: stands outside of a table: write ["model-name"] above it'
        return
    if not model or "*" in model[:-1]:
        yield f"{place}: give the name of a model; `*` may only end it"
    for name, value in table.items():
        if isinstance(value, dict):
            yield f'{place}: `{name}` is a table: a model with a dot in its name needs quotes: ["{model}.{name}"]'
        elif name not in _FIELDS:
            yield f"{place} {name}: unknown field{did_you_mean(name, _FIELDS)}; there are: {', '.join(_FIELDS)}"
        elif misfit := _misfit(value):
            yield f"{place} {name}: {misfit}"
    if not any(isinstance(value, dict) for value in table.values()):
        yield from (f"{place} {name}: missing" for name, must in _FIELDS.items() if must and name not in table)


def _misfit(value: object) -> str:
    """Return why a value is no price; empty where it is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"give USD per million tokens as a number, found {repr(value)[:40]}"
    if not 0 <= value <= _MOST_USD:  # also where it is no number at all
        return f"give USD per million tokens, from 0 to {_MOST_USD:,.0f}"
    return ""


def _price_of(table: Mapping[str, Any], source: str) -> Price:
    cached = table.get("cached_input")
    return Price(float(table["input"]), float(table["output"]), source, None if cached is None else float(cached))


def _own_price(own: Mapping[str, Price], model: str) -> Price | None:
    """Return the price under a model's own name, else under the longest beginning of it."""
    if model in own and not model.endswith("*"):
        return own[model]
    fitting = [name for name in own if name.endswith("*") and model.startswith(name[:-1])]
    return own[max(fitting, key=len)] if fitting else None


# --- the list -------------------------------------------------------------------------------------------------


def _listed_price(model: str, base_url: str) -> Price | None:
    """Return what the `genai-prices` package lists; None where it is not installed or does not know.

    Only the data inside of the package is used: it fetches newer ones when told to, and it is not. Where a price
    depends on the time of day, the dearest one of the day is returned: a run is not to cost more than was said.
    """
    if base_url.startswith(_OWN):
        return None
    try:
        package = importlib.import_module(_LIST)
    except ImportError:
        return None
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    moments = [midnight.replace(hour=half // 2, minute=half % 2 * 30) for half in range(_HALF_HOURS)]
    try:
        found = [
            package.calc_price(package.Usage(), model, provider_api_url=base_url, genai_request_timestamp=moment)
            for moment in moments
        ]
    except LookupError:
        return None
    source = f"genai-prices {package.__version__}: {found[0].provider.id}/{found[0].model.id}"
    quotes = {quote for each in found if (quote := _quoted(each.model_price, source))}
    if not quotes:
        return None
    dearest = max(quotes, key=lambda quote: (quote.output_usd, quote.input_usd))
    return dearest if len(quotes) == 1 else dataclasses.replace(dearest, source=f"{source}, at its dearest time of day")


def _quoted(listed: Any, source: str) -> Price | None:  # noqa: ANN401 -- of a package that may not be installed
    """Return a `ModelPrice` of `genai-prices`; None where it is not one of tokens alone."""
    amounts = [getattr(listed, name, None) for name in ("input_mtok", "output_mtok", "cache_read_mtok")]
    if amounts[0] is None or amounts[1] is None or getattr(listed, "requests_kcount", None) is not None:
        return None
    tiers = [tier.start for amount in amounts for tier in getattr(amount, "tiers", ())]
    prompt, completion, cached = (
        None if amount is None else float(getattr(amount, "base", amount)) for amount in amounts
    )
    if prompt is None or completion is None or not math.isfinite(prompt + completion):
        return None
    return Price(prompt, completion, source, cached, min(tiers, default=None))
