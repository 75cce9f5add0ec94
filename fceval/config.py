"""The settings of a run: TOML, then flags, checked as a whole; composes the stages' own settings.

All mistakes are reported at once, each with its place and, for an unknown name, the nearest known one.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Annotated, Any, cast

from annotated_types import Ge, Le
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from fceval import dialects, endpoints, engines
from fceval.budget import BudgetSettings
from fceval.cases.select import Selection
from fceval.client.endpoint import (
    BEARER_HEADER,
    KEY_ADVICE,
    EndpointSettings,
    check_base_url,
    embedded_name,
    header_misfits,
    query_misfits,
    refuse_other_origin,
)
from fceval.client.route import proxy_misfits
from fceval.client.secret import places_of_keys
from fceval.dialogue import Turns, Variant
from fceval.errors import ConfigError, did_you_mean
from fceval.records import Json, JsonObject
from fceval.report import exporters
from fceval.scoring.rules import Rules
from fceval.stats.gate import GateSettings, SliceGate
from fceval.tomlfile import read_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSettings(Selection):
    """Which cases are run."""

    path: Path | None = None
    """A `.jsonl` or `.parquet` file; a relative one is looked for beside the config file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSettings:
    """What is written about a run, and where."""

    dir: Path = Path("reports")
    """Folder that each run gets its own folder in."""
    formats: tuple[str, ...] = ("html", "markdown", "junit")
    """Reports to write, by exporter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """Everything that decides a run, but its keys."""

    name: str = "run"
    """Becomes part of the run folder's name."""
    trials: Annotated[int, Ge(1), Le(1000)] = 1
    """Independent repetitions of each case."""
    max_not_measured: Annotated[float, Ge(0), Le(1)] = 0.0
    """Share of responses that may stay without an answer; above it the run is inconclusive (exit 3)."""
    engine: str = "local"
    """What runs the requests."""
    grace_s: Annotated[float, Ge(0), Le(3600)] = 10.0
    """How long requests in flight may take once the run is told to stop (Ctrl-C), in seconds."""
    prices: Path | None = None
    """TOML file with prices per million tokens: `["MODEL"] input = 0.15, output = 0.6`; it wins over listed ones.
    A relative one is looked for beside the config file."""
    reuse: tuple[Path, ...] = ()
    """Folders of other runs: where a very same request was answered there, it is not sent again."""
    turns: Turns = "free_running"
    """What a later turn of a case builds on: `free_running`, the model's own answers, its calls answered by the case's
    `tool_results`; or `teacher_forced`, the calls that the case expects, so that every turn is asked for itself."""
    dataset: DatasetSettings = field(default_factory=DatasetSettings)
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    request: Mapping[str, Any] = field(default_factory=dict)
    """Body fields that every request gets (`temperature`, `max_tokens` ...); nothing is sent that is not here."""
    rules: Rules = field(default_factory=Rules)
    report: ReportSettings = field(default_factory=ReportSettings)
    gate: GateSettings | None = None
    """What the run is held against at its end; none: nothing."""
    variant: tuple[Variant, ...] = ()
    """Combinations of model, prompt and parameters to run side by side; none: one, of the endpoint's model."""

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The variants to run, at least one."""
        return self.variant or (Variant(),)


_SETTINGS = (
    RunConfig,
    BudgetSettings,
    GateSettings,
    SliceGate,
    Selection,
    DatasetSettings,
    EndpointSettings,
    Rules,
    ReportSettings,
    Variant,
)
for _settings in _SETTINGS:
    # Settings are plain dataclasses of the stages; that unknown names are refused is this border's affair.
    setattr(_settings, "__pydantic_config__", ConfigDict(extra="forbid", use_attribute_docstrings=True))  # noqa: B010 -- mypy knows no such attribute

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@cache
def _adapter() -> TypeAdapter[RunConfig]:
    return TypeAdapter(RunConfig)


def load_config(
    path: Path | None, overrides: Sequence[tuple[str, Json]] = (), base: RunConfig | None = None
) -> RunConfig:
    """Return the settings of a run.

    Args:
        path: A TOML file; None: `base`.
        overrides: (dotted name, value), later ones win, all of them over the file.
        base: Settings where there is no file; None: defaults.

    Raises:
        ConfigError: The file cannot be read, or settings are wrong; the message names all of them. Or a key that is
            meant for one server would go to another.
    """
    tables = _read(path) if path else cast("dict[str, Any]", resolved(base)) if base else {}
    refuse_other_origin(_table(tables, "endpoint"), dict(overrides))
    for name, value in overrides:
        _set(tables, name, value)
    return parse_config(tables, origin=str(path) if path else "settings")


def parse_config(tables: JsonObject, origin: str) -> RunConfig:
    """Return settings from decoded tables.

    Args:
        tables: As `tomllib` or a run's `run.json` gives them.
        origin: Where they come from, for messages.

    Raises:
        ConfigError: Settings are wrong; the message names all of them.
    """
    problems = list(dict.fromkeys(_misfits(tables)))  # one may break several rules that say the same
    try:
        # As JSON, where a list may become a tuple and a text a path, but no text a number and no `true` a 1.
        text = json.dumps(tables, default=str, ensure_ascii=False).encode("utf-8", "replace")
        config = _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        told = {problem.partition(":")[0] for problem in problems}
        found = [_problem(cast("Mapping[str, Any]", each)) for each in error.errors(include_url=False)]
        problems += [problem for problem in found if problem.partition(":")[0] not in told]
    if problems:
        noun = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        msg = f"{origin}: {noun}\n" + "\n".join(f"  {problem}" for problem in problems)
        raise ConfigError(msg)
    return config


def resolved(config: RunConfig) -> JsonObject:
    """Return settings as plain values, from which `parse_config` makes them again."""
    return cast("JsonObject", _adapter().dump_python(config, mode="json"))


def json_schema() -> JsonObject:
    """Return the JSON Schema of a config file, for editors."""
    schema = _adapter().json_schema(schema_generator=GenerateJsonSchema)
    # pydantic reads the docstrings of a dataclass's own fields only.
    inherited = TypeAdapter(Selection).json_schema()["properties"]
    for name, setting in schema["$defs"]["DatasetSettings"]["properties"].items():
        setting.update({"description": inherited[name]["description"]} if name in inherited else {})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def parse_override(text: str) -> tuple[str, Json]:
    """Return `a.b=c` as (name, value); the value is TOML, and where it is none, text.

    Raises:
        ConfigError: No `=` in it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        msg = f"--set {text}: give NAME=VALUE, e.g. --set endpoint.concurrency=16"
        raise ConfigError(msg)
    try:
        tables = tomllib.loads(f"value = {value}")
    except (ValueError, RecursionError):  # a ValueError also where a number has too many digits
        return name.strip(), value
    return name.strip(), tables["value"] if len(tables) == 1 else value  # a line break may begin a second setting


def _read(path: Path) -> dict[str, Any]:
    tables = read_toml(path, "config file")
    # A relative file is looked for beside the config file that names it.
    for table, name in (("dataset", "path"), ("gate", "baseline"), ("endpoint", "ca_file"), (None, "prices")):
        holder = tables if table is None else tables.get(table)
        if isinstance(holder, dict) and isinstance(holder.get(name), str):
            holder[name] = str(path.parent / holder[name])
    return tables


def _set(tables: dict[str, Any], name: str, value: Json) -> None:
    *parents, last = name.split(".")
    table = tables
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            msg = f"{name}: `{parent}` is no table"
            raise ConfigError(msg)
    table[last] = value


def _misfits(tables: JsonObject) -> Iterator[str]:
    """Yield what no type can say; values of a wrong type are left to the types."""
    yield from _not_json("", tables)
    yield from (f"{place}: {KEY_ADVICE}" for place in places_of_keys("", tables))
    yield from _request_misfits("request", _table(tables, "request"))
    endpoint, report = _table(tables, "endpoint"), _table(tables, "report")
    variants = [variant for variant in _list(tables, "variant") if isinstance(variant, Mapping)]
    for setting, name, offered in (
        ("endpoint.dialect", endpoint.get("dialect"), dialects.names()),
        ("engine", tables.get("engine"), engines.names()),
        *(("report.formats", name, exporters.names()) for name in _list(report, "formats")),
    ):
        if isinstance(name, str) and name not in offered:
            yield f"{setting}: there is no `{name}`{did_you_mean(name, offered)}; there are: {', '.join(offered)}"
    for number, variant in enumerate(variants):
        yield from _request_misfits(f"variant[{number}].request", _table(variant, "request"))
    named = [("name", tables.get("name"))]
    named += [(f"variant[{number}].name", variant.get("name", "default")) for number, variant in enumerate(variants)]
    for place, name in named:
        if isinstance(name, str) and not _NAME.fullmatch(name):
            yield f"{place}: `{name}`: use letters, digits, `_`, `.` and `-`, at most 64"
        if place != "name" and (place, name) != next(each for each in named[1:] if each[1] == name):
            yield f"{place}: `{name}` is the name of another variant"
    models = [("endpoint.model", endpoint.get("model"))]
    models += [(f"variant[{number}].model", variant.get("model")) for number, variant in enumerate(variants)]
    for place, model in models:
        if isinstance(model, str) and _CONTROL.search(model):
            yield f"{place}: {model!r}: no model's name has a line break or another control character in it"
    yield from _endpoint_misfits(endpoint)
    if isinstance(base_url := endpoint.get("base_url"), str) and base_url:
        yield from _address_misfits(base_url, _table(endpoint, "options"))


_OF_THE_RUN = {
    "model": "is set by `endpoint.model`, or by the model of a variant",
    "messages": "comes from the dataset; a variant's `system` replaces the system prompt",
    "input": "comes from the dataset; a variant's `system` replaces the system prompt",
    "tools": "comes from the dataset",
    "functions": "comes from the dataset",
    "stream": "is set by `endpoint.stream` (--stream)",
}
_NEVER_OMITTED = ("model", "messages", "input")


def _request_misfits(place: str, request: JsonObject) -> Iterator[str]:
    for name in (name for name in _OF_THE_RUN if name in request):
        yield f"{place}.{name}: {_OF_THE_RUN[name]}"


def _endpoint_misfits(endpoint: JsonObject) -> Iterator[str]:
    header = endpoint.get("api_key_header", BEARER_HEADER)
    headers = {name: value for name, value in _table(endpoint, "headers").items() if isinstance(value, str)}
    if isinstance(proxy := endpoint.get("proxy"), str):
        yield from (f"endpoint.proxy: {each}" for each in proxy_misfits(proxy))
        if endpoint.get("proxy_env") is not None:
            yield "endpoint.proxy: stands against `endpoint.proxy_env`: choose one"
    if isinstance(header, str):
        yield from (f"endpoint.{each}" for each in header_misfits(headers, header))
    yield from (f"endpoint.{each}" for each in query_misfits(_table(endpoint, "query")))
    yield from _request_misfits("endpoint.extra_body", _table(endpoint, "extra_body"))
    omitted = _list(endpoint, "omit")
    for name in _NEVER_OMITTED:
        if name in omitted:
            yield f"endpoint.omit: no request goes without `{name}`"
    if "stream" in omitted and endpoint.get("stream"):
        yield "endpoint.omit: `stream` stands against `endpoint.stream = true`: choose one"


def _not_json(place: str, value: object) -> Iterator[str]:
    """Yield values that TOML or a command line can give, and that can be neither sent nor written down."""
    if isinstance(value, str) and not _is_unicode(value):
        yield f"{place}: {value!r} is no Unicode text"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place}: {value} is no number of JSON"
    elif isinstance(value, date | time):
        yield f'{place}: JSON has no dates; write it as text: "{value}"'
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _not_json(f"{place}.{name}" if place else name, each)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _not_json(f"{place}[{number}]", each)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _table(tables: JsonObject, name: str) -> JsonObject:
    table = tables.get(name)
    return table if isinstance(table, Mapping) else {}


def _list(tables: JsonObject, name: str) -> Sequence[Json]:
    found = tables.get(name)
    return found if isinstance(found, list) else []


def _address_misfits(base_url: str, options: Mapping[str, Json]) -> list[str]:
    embedded = embedded_name(base_url)
    if embedded is not None and embedded not in endpoints.names():
        known = [f"embedded:{name}" for name in endpoints.names()]
        near = did_you_mean(base_url, known)
        return [f"endpoint.base_url: there is no `{base_url}`{near}; there are: {', '.join(known)}"]
    try:
        if embedded is None:
            check_base_url(base_url)
        else:
            endpoints.settings(embedded, options)
    except ConfigError as error:
        return [f"endpoint.options: {error}" if embedded else str(error)]
    return ["endpoint.options: only an embedded endpoint has any"] if options and embedded is None else []


def _problem(found: Mapping[str, Any]) -> str:
    place = ""
    for part in found["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    if found["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        return f"{place}: unknown setting{_near(found['loc'])}"
    shown = repr(found["input"])
    said = found["msg"].replace("valid array", "list").replace("an object", "a table")
    return f"{place}: {said}, found {shown[:60]}{'...' if len(shown) > 60 else ''}"  # noqa: PLR2004 -- a line's worth


def _near(place: Sequence[str | int]) -> str:
    """Return the nearest known setting in the table that an unknown one stands in."""
    settings: Any = RunConfig
    for part in place[:-1]:
        if isinstance(part, str):
            settings = {each.name: _TABLES.get(each.name) for each in dataclasses.fields(settings)}.get(part, settings)
    return did_you_mean(str(place[-1]), [each.name for each in dataclasses.fields(settings)])


_TABLES: dict[str, type] = {
    "budget": BudgetSettings,
    "gate": GateSettings,
    "dataset": DatasetSettings,
    "endpoint": EndpointSettings,
    "rules": Rules,
    "report": ReportSettings,
    "variant": Variant,
}
