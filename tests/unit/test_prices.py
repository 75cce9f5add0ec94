"""Prices: the user's own win, listed ones come second, and what nobody knows stays unknown."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from decimal import Decimal
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.errors import ConfigError
from fceval.prices import Price, cost_usd, from_json, read_price_file, require_prices, resolve, to_json, why_unknown
from fceval.records import Json, Usage

OPENAI = "https://api.openai.com/v1"
amounts = st.floats(0, 1000)
prices = st.builds(Price, amounts, amounts, st.text(), st.none() | amounts, st.none() | st.integers(1, 10**7))


def tiered(base: str, start: int) -> SimpleNamespace:
    """Return an amount that is another one for prompts above `start` tokens, as `genai-prices` has it."""
    return SimpleNamespace(base=Decimal(base), tiers=[SimpleNamespace(start=start, price=Decimal(base) * 2)])


LISTED: dict[str, dict[str, object]] = {
    "gpt-4o": {"input_mtok": Decimal("2.5"), "output_mtok": Decimal(10), "cache_read_mtok": Decimal("1.25")},
    "long": {"input_mtok": tiered("1.25", 200_000), "output_mtok": tiered("10", 128_000)},
    "per-request": {"input_mtok": Decimal(1), "output_mtok": Decimal(1), "requests_kcount": Decimal(12)},
    "whisper": {"audio_hours": Decimal(1)},
    "free": {},
}
"""Models of the stand-in for `genai-prices`, with its names for the amounts."""


def calc_price(
    usage: object, model_ref: str, *, provider_api_url: str, genai_request_timestamp: datetime
) -> SimpleNamespace:
    """Answer as `genai_prices.calc_price` does, for one provider; one model is cheaper at night."""
    listed = LISTED.get(model_ref)
    if model_ref == "night-owl":
        share = Decimal(1) if 0 < genai_request_timestamp.hour < 16 else Decimal("0.5")
        listed = {"input_mtok": share, "output_mtok": share * 4}
    if listed is None or provider_api_url != OPENAI:
        raise LookupError(model_ref)
    return SimpleNamespace(
        provider=SimpleNamespace(id="openai"),
        model=SimpleNamespace(id=model_ref),
        model_price=SimpleNamespace(**listed),
    )


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a stand-in for the `genai-prices` package in its place, whether that is installed or not."""
    package = ModuleType("genai_prices")
    package.__spec__ = ModuleSpec("genai_prices", None)
    vars(package).update(__version__="9.9", Usage=object, calc_price=calc_price)
    monkeypatch.setitem(sys.modules, "genai_prices", package)


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the `genai-prices` package away, if it is installed."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)


def written(tmp_path: Path, text: str) -> Path:
    """Write a price file and return it."""
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return path


# --- cost -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usage", "price", "cached", "expected"),
    [
        (Usage(1_000_000, 1_000_000), Price(0.15, 0.6, ""), 0, 0.75),
        (Usage(1000, 10), Price(2.5, 10, ""), 0, 0.0026),
        (Usage(0, 0), Price(2.5, 10, ""), 0, 0.0),
        (Usage(1000, 0), Price(2.0, 10, "", cached_input_usd=0.5), 400, 0.0014),
        (Usage(1000, 0), Price(2.0, 10, "", cached_input_usd=0.5), 5000, 0.0005),
        (Usage(1000, 0), Price(2.0, 10, "", cached_input_usd=0.5), -1, 0.002),
        (Usage(1000, 0), Price(2.0, 10, ""), 400, 0.002),
        (Usage(200, 1), Price(1, 1, "", longest_prompt_tokens=200), 0, 0.000201),
        (Usage(201, 1), Price(1, 1, "", longest_prompt_tokens=200), 0, None),
        (Usage(None, 10), Price(1, 1, ""), 0, None),
        (Usage(10, None), Price(1, 1, ""), 0, None),
        (Usage(10, 10), None, 0, None),
    ],
)
def test_cost(usage: Usage, price: Price | None, cached: int, expected: float | None) -> None:
    """Tokens by their price; unknown where anything of it is."""
    assert cost_usd(usage, price, cached) == (expected if expected is None else pytest.approx(expected, rel=1e-12))


@given(st.dictionaries(st.text(), prices))
def test_prices_come_back_from_json(known: dict[str, Price]) -> None:
    """What `run.json` holds gives the same prices, to the last bit."""
    assert from_json(json.loads(json.dumps(to_json(known)))) == known


def test_run_without_prices_has_none() -> None:
    """A run that no prices were written down for costs nobody knows what."""
    assert from_json(None) == {}


@pytest.mark.parametrize(
    "value",
    [
        [],
        "x",
        {"m": 1},
        {"m": {}},
        {"m": {"input_usd": 1, "output_usd": 1}},
        {"m": {"input_usd": "1", "output_usd": 1, "source": "x"}},
        {"m": {"input_usd": -1, "output_usd": 1, "source": "x"}},
        {"m": {"input_usd": 1, "output_usd": 1, "source": "x", "longest_prompt_tokens": "y"}},
        {"m": {"input_usd": 1, "output_usd": 1, "source": "x", "unknown": 1}},
    ],
)
def test_damaged_prices_are_refused(value: Json) -> None:
    """What `to_json` did not write is an error, not a price."""
    with pytest.raises(TypeError):
        from_json(value)


# --- the user's own -------------------------------------------------------------------------------------------


def test_price_file(tmp_path: Path) -> None:
    """Amounts, the optional one, and where they come from."""
    path = written(tmp_path, '["a.b"]\ninput = 0.15\noutput = 1\ncached_input = 0.075\n[free]\ninput = 0\noutput = 0\n')
    assert read_price_file(path) == {
        "a.b": Price(0.15, 1.0, "prices.toml: a.b", 0.075),
        "free": Price(0.0, 0.0, "prices.toml: free"),
    }


def test_mistakes_of_a_price_file_are_told_at_once(tmp_path: Path) -> None:
    """Each with its table and field, and what to do."""
    path = written(
        tmp_path,
        "stray = 1\n"
        '[a]\ninput = "0.15"\nouput = 1\n'
        "[b]\ninput = -1\noutput = nan\n"
        "[c]\ninput = true\noutput = inf\n"
        '["*d"]\ninput = 1\noutput = 1\n'
        "[gpt-4.1]\ninput = 1\noutput = 1\n"
        '[""]\ninput = 1\noutput = 1\n',
    )
    with pytest.raises(ConfigError) as caught:
        read_price_file(path)
    assert str(caught.value).splitlines() == [
        f"{path}: 11 mistakes",
        '  stray: stands outside of a table: write ["model-name"] above it',
        "  [\"a\"] input: give USD per million tokens as a number, found '0.15'",
        '  ["a"] ouput: unknown field (did you mean `output`?); there are: input, output, cached_input',
        '  ["a"] output: missing',
        '  ["b"] input: give USD per million tokens, from 0 to 1,000,000',
        '  ["b"] output: give USD per million tokens, from 0 to 1,000,000',
        '  ["c"] input: give USD per million tokens as a number, found True',
        '  ["c"] output: give USD per million tokens, from 0 to 1,000,000',
        '  ["*d"]: give the name of a model; `*` may only end it',
        '  ["gpt-4"]: `1` is a table: a model with a dot in its name needs quotes: ["gpt-4.1"]',
        '  [""]: give the name of a model; `*` may only end it',
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [(None, "no such price file"), (b"[", "not valid TOML"), (b"\xff", "not valid TOML")],
)
def test_unreadable_price_file(tmp_path: Path, content: bytes | None, problem: str) -> None:
    """The file is named, and what is wrong with it."""
    path = tmp_path / "prices.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        read_price_file(path)
    assert str(path) in str(caught.value)


def test_price_file_that_is_a_folder(tmp_path: Path) -> None:
    """What cannot be read is the user's mistake, not a bug."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_price_file(tmp_path)


@pytest.mark.parametrize(
    ("model", "expected"),
    [("gpt-4o", 1), ("gpt-4o-mini", 2), ("gpt-4o-mini-2024", 2), ("gpt-4o-x", 3), ("gpt-5", 4), ("claude", None)],
)
@pytest.mark.usefixtures("unlisted")
def test_the_longest_name_wins(tmp_path: Path, model: str, expected: float | None) -> None:
    """A model's own name, else the longest beginning; what is cheaper plays no part."""
    names = {'"gpt-4o"': 1, '"gpt-4o-mini*"': 2, '"gpt-4o-*"': 3, '"gpt-*"': 4}
    path = written(tmp_path, "".join(f"[{name}]\ninput = {cost}\noutput = 0\n" for name, cost in names.items()))
    found = resolve([model], OPENAI, path).get(model)
    assert (found and found.input_usd) == expected


# --- listed ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("listed")
def test_listed_price() -> None:
    """The package's list says what the host's model costs, and the source names list, provider and model."""
    assert resolve(["gpt-4o", "gpt-4o"], OPENAI, None) == {
        "gpt-4o": Price(2.5, 10.0, "genai-prices 9.9: openai/gpt-4o", 1.25)
    }


@pytest.mark.usefixtures("listed")
def test_own_price_wins(tmp_path: Path) -> None:
    """The user knows better, whatever the list says; other models are still looked up."""
    path = written(tmp_path, '["gpt-4o"]\ninput = 1\noutput = 2\n')
    found = resolve(["gpt-4o", "long"], OPENAI, path)
    assert (found["gpt-4o"].input_usd, found["long"].input_usd) == (1, 1.25)


@pytest.mark.usefixtures("listed")
def test_price_with_tiers_holds_up_to_the_first() -> None:
    """A price that changes with the prompt's length is known up to where it first does."""
    assert resolve(["long"], OPENAI, None)["long"].longest_prompt_tokens == 128_000


@pytest.mark.usefixtures("listed")
def test_dearest_hour_counts() -> None:
    """Whatever the hour of the run, it will not cost more than was said."""
    assert resolve(["night-owl"], OPENAI, None) == {
        "night-owl": Price(1.0, 4.0, "genai-prices 9.9: openai/night-owl, at its dearest time of day")
    }


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("nonsense", OPENAI),
        ("gpt-4o", "https://gateway.example/v1"),
        ("gpt-4o", "http://127.0.0.1:8000/v1"),
        ("gpt-4o", "embedded:mock"),
        ("whisper", OPENAI),
        ("free", OPENAI),
        ("per-request", OPENAI),
    ],
)
@pytest.mark.usefixtures("listed")
def test_what_the_list_does_not_know_is_unknown(model: str, base_url: str) -> None:
    """Another host's price, a price of something else than tokens, or none at all: unknown, never 0."""
    assert resolve([model], base_url, None) == {}


@pytest.mark.usefixtures("unlisted")
def test_without_the_package_only_the_file_counts(tmp_path: Path) -> None:
    """The package is an extra: nothing breaks without it, and the advice says how to get it."""
    path = written(tmp_path, "[mine]\ninput = 1\noutput = 1\n")
    assert list(resolve(["mine", "gpt-4o"], OPENAI, path)) == ["mine"]
    assert "pip install 'fceval[prices]'" in why_unknown("gpt-4o", OPENAI)


@pytest.mark.usefixtures("listed")
def test_advice_fits_what_is_there() -> None:
    """Nobody is told to install what is installed, or what would not help."""
    assert (
        why_unknown("m", OPENAI)
        == f"unknown price for `m`: genai-prices has none for it at {OPENAI}; give --prices FILE"
    )
    assert why_unknown("m", "embedded:mock") == "unknown price for `m`: embedded:mock has none; give --prices FILE"


def test_limit_of_cost_needs_every_price() -> None:
    """Each model without a price is named once; with all prices there is nothing to say."""
    known = {"a": Price(1, 1, "")}
    require_prices(["a", "a"], known, OPENAI)
    with pytest.raises(ConfigError, match="a limit of cost needs the price of every model") as caught:
        require_prices(["a", "b", "c", "b"], known, OPENAI)
    assert [line.partition("`")[2].partition("`")[0] for line in str(caught.value).splitlines()[1:]] == ["b", "c"]
