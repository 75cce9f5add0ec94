"""Settings: every mistake at once, each with its place; what is taken is what was meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from fceval import dialects
from fceval.config import RunConfig, json_schema, load_config, parse_config, parse_override, resolved
from fceval.errors import ConfigError
from fceval.records import Json
from fceval.report import exporters

WHOLE = """
name = "nightly"
trials = 3
max_not_measured = 0.01
engine = "local"

[dataset]
path = "cases/a.jsonl"
case_ids = ["a", "b"]
limit = 10

[endpoint]
base_url = "https://host/v1/"
model = "m"
api_key_env = "A_KEY"
concurrency = 16
rpm = 600
timeout_s = 30
stream = true
omit = ["stream_options"]
headers = { "X-Team" = "eval" }
query = { "api-version" = "2024-10-21" }
api_key_header = "api-key"
extra_body = { top_k = 5 }

[request]
temperature = 0.5
stop = ["x", "y"]
metadata = { a = { b = 1 } }

[rules]
strings = "exact"

[report]
dir = "out"
formats = ["json"]

[[variant]]
name = "plain"

[[variant]]
name = "terse"
system = "Be brief."
request = { max_tokens = 64 }
"""


ADVICE = "give what any OpenAI client is given, e.g. https://host/v1"


def load(folder: Path, text: str, *overrides: tuple[str, Json]) -> RunConfig:
    """Load settings from a file with this text."""
    path = folder / "run.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, overrides)


def mistakes(tables: dict[str, Any]) -> list[str]:
    """Return the mistakes in settings."""
    with pytest.raises(ConfigError) as caught:
        parse_config(tables, origin="x")
    head, *lines = str(caught.value).splitlines()
    assert head == f"x: {len(lines)} mistake{'' if len(lines) == 1 else 's'}"
    return [line.strip() for line in lines]


def test_whole_file_is_read(tmp_path: Path) -> None:
    """Every table, with TOML's own types; a relative dataset lies beside the file."""
    config = load(tmp_path, WHOLE)
    assert (config.name, config.trials, config.max_not_measured) == ("nightly", 3, 0.01)
    assert config.dataset.path == tmp_path / "cases" / "a.jsonl"
    assert (config.dataset.case_ids, config.dataset.limit, config.dataset.sample) == (("a", "b"), 10, None)
    assert (config.endpoint.rpm, config.endpoint.max_attempts) == (600.0, 5)
    assert (config.endpoint.stream, config.endpoint.omit) == (True, ("stream_options",))
    assert (config.endpoint.headers, config.endpoint.extra_body) == ({"X-Team": "eval"}, {"top_k": 5})
    assert config.request == {"temperature": 0.5, "stop": ["x", "y"], "metadata": {"a": {"b": 1}}}
    assert (config.report.dir, config.report.formats) == (Path("out"), ("json",))
    assert [variant.name for variant in config.variants] == ["plain", "terse"]
    assert config.variants[1].request == {"max_tokens": 64}


def test_without_settings_there_is_one_variant() -> None:
    """Of the endpoint's model."""
    assert [variant.name for variant in load_config(None).variants] == ["default"]


def test_settings_can_be_written_down_and_read_again(tmp_path: Path) -> None:
    """As a run's folder does."""
    config = load(tmp_path, WHOLE)
    assert parse_config(resolved(config), origin="x") == config


def test_later_settings_win() -> None:
    """Defaults, then the file, then flags in their order."""
    base = parse_config({"trials": 2, "endpoint": {"model": "m", "rpm": 60}}, origin="x")
    config = load_config(None, [("trials", 3), ("endpoint.rpm", 90), ("trials", 4), ("request.seed", 1)], base)
    assert (config.trials, config.endpoint.rpm, config.endpoint.model, config.request) == (4, 90.0, "m", {"seed": 1})
    assert load_config(None, [("trials", 3)]).endpoint.model == ""


def test_flag_replaces_the_files_dataset_as_it_stands(tmp_path: Path) -> None:
    """A path on the command line is relative to where the command is given."""
    assert load(tmp_path, WHOLE, ("dataset.path", "b.jsonl")).dataset.path == Path("b.jsonl")
    assert load(tmp_path, f'[dataset]\npath = "{tmp_path}/c.jsonl"').dataset.path == tmp_path / "c.jsonl"


def test_all_mistakes_are_told_at_once() -> None:
    """Each with its place, and the nearest known name."""
    assert mistakes(
        {
            "trails": 3,
            "name": "a b",
            "engine": "locale",
            "datset": {},
            "dataset": {"limits": 1, "limit": 0},
            "endpoint": {"concurency": 1, "api_key": "sk-CANARY", "base_url": "host", "dialect": "tool"},
            "report": {"formats": ["htm"]},
            "variant": [{"nam": "x"}, {"name": "y", "sytem": "z"}, {"name": "y"}],
        }
    ) == [
        f"endpoint.dialect: there is no `tool` (did you mean `tools`?); there are: {', '.join(dialects.names())}",
        "engine: there is no `locale` (did you mean `local`?); there are: local",
        f"report.formats: there is no `htm` (did you mean `html`?); there are: {', '.join(exporters.names())}",
        "name: `a b`: use letters, digits, `_`, `.` and `-`, at most 64",
        "variant[2].name: `y` is the name of another variant",
        f"endpoint.base_url: `host` is no http:// or https:// URL: {ADVICE}",
        "dataset.limit: Input should be greater than or equal to 1, found 0",
        "dataset.limits: unknown setting (did you mean `limit`?)",
        "endpoint.concurency: unknown setting (did you mean `concurrency`?)",
        "endpoint.api_key: unknown setting (did you mean `api_key_env`?)",
        "variant[0].nam: unknown setting (did you mean `name`?)",
        "variant[1].sytem: unknown setting (did you mean `system`?)",
        "trails: unknown setting (did you mean `trials`?)",
        "datset: unknown setting (did you mean `dataset`?)",
    ]


@pytest.mark.parametrize(
    ("tables", "mistake"),
    [
        ({"trials": True}, "trials: Input should be a valid integer, found True"),
        ({"trials": "3"}, "trials: Input should be a valid integer, found '3'"),
        ({"trials": 3.0}, "trials: Input should be a valid integer, found 3.0"),
        ({"name": 3}, "name: Input should be a valid string, found 3"),
        ({"max_not_measured": True}, "max_not_measured: Input should be a valid number, found True"),
        ({"max_not_measured": 2}, "max_not_measured: Input should be less than or equal to 1, found 2"),
        ({"dataset": {"path": 3}}, "dataset.path: Input should be a"),
        ({"dataset": {"tags": "x"}}, "dataset.tags: Input should be a list, found 'x'"),
        ({"dataset": {"tags": [1]}}, "dataset.tags[0]: Input should be a valid string, found 1"),
        ({"endpoint": 3}, "endpoint: Input should be a table, found 3"),
        ({"endpoint": {"timeout_s": 0}}, "endpoint.timeout_s: Input should be greater than 0, found 0"),
        ({"endpoint": {"rpm": 0}}, "endpoint.rpm: Input should be greater than 0, found 0"),
        ({"endpoint": {"rpm": -1.5}}, "endpoint.rpm: Input should be greater than 0, found -1.5"),
        ({"endpoint": {"rpm": 1e9}}, "endpoint.rpm: Input should be less than or equal to 10000000"),
        ({"endpoint": {"rpm": float("nan")}}, "endpoint.rpm: nan is no number of JSON"),
        ({"endpoint": {"rpm": float("inf")}}, "endpoint.rpm: inf is no number of JSON"),
        ({"endpoint": {"concurrency": 5_000}}, "endpoint.concurrency: Input should be less than or equal to 4096"),
        ({"endpoint": {"base_url": "embedded:mok"}}, "there is no `embedded:mok` (did you mean `embedded:mock`?)"),
        ({"endpoint": {"options": {"x": 1}, "base_url": "http://a/v1"}}, "only an embedded endpoint has any"),
        ({"rules": {"strings": "loose"}}, "rules.strings: Input should be 'normalized' or 'exact', found 'loose'"),
        ({"request": []}, "request: Input should be a table, found []"),
        ({"request": {"temperature": float("nan")}}, "request.temperature: nan is no number of JSON"),
        ({"request": {"stream": True}}, "request.stream: is set by `endpoint.stream` (--stream)"),
        ({"turns": "forced"}, "turns: Input should be 'free_running' or 'teacher_forced', found 'forced'"),
        ({"endpoint": {"stream": 1}}, "endpoint.stream: Input should be a valid boolean, found 1"),
        ({"endpoint": {"developer_role": "user"}}, "endpoint.developer_role: Input should be 'keep' or 'system'"),
        ({"endpoint": {"token_limit": "n"}}, "endpoint.token_limit: Input should be 'as_given', 'max_tokens' or"),
        ({"endpoint": {"omit": "seed"}}, "endpoint.omit: Input should be a list, found 'seed'"),
        ({"endpoint": {"omit": ["model"]}}, "endpoint.omit: no request goes without `model`"),
        ({"endpoint": {"omit": ["messages"]}}, "endpoint.omit: no request goes without `messages`"),
        ({"endpoint": {"omit": ["input"]}}, "endpoint.omit: no request goes without `input`"),
        ({"endpoint": {"stream": True, "omit": ["stream"]}}, "endpoint.omit: `stream` stands against"),
        ({"endpoint": {"extra_body": {"model": "x"}}}, "endpoint.extra_body.model: is set by `endpoint.model`"),
        ({"endpoint": {"extra_body": {"messages": []}}}, "endpoint.extra_body.messages: comes from the dataset"),
        ({"endpoint": {"extra_body": {"tools": []}}}, "endpoint.extra_body.tools: comes from the dataset"),
        ({"endpoint": {"extra_body": {"stream": True}}}, "endpoint.extra_body.stream: is set by `endpoint.stream`"),
        ({"endpoint": {"extra_body": {"x": float("nan")}}}, "endpoint.extra_body.x: nan is no number of JSON"),
        ({"endpoint": {"query": {"api-version": 2024}}}, "endpoint.query.api-version: Input should be a valid string"),
        ({"endpoint": {"query": {"key": "sk-CANARY"}}}, "endpoint.query.key: settings are written down, so no key"),
        ({"endpoint": {"headers": {"X-A": 1}}}, "endpoint.headers.X-A: Input should be a valid string, found 1"),
        ({"endpoint": {"headers": {"Authorization": "sk-CANARY"}}}, "endpoint.headers.Authorization: settings are"),
        ({"endpoint": {"headers": {"Authorization": "Bearer sk-CANARY-0123456789abcdef"}}}, "endpoint.headers.Auth"),
        ({"endpoint": {"api_key_header": "Host"}}, "endpoint.api_key_header: `Host` can be no header of yours"),
        ({"variant": {"name": "x"}}, "variant: Input should be a list"),
        ({"variant": [{"request": {"a": ["\udcff"]}}]}, "variant[0].request.a[0]: '\\udcff' is no Unicode text"),
    ],
)
def test_value_of_the_wrong_kind_is_named(tables: dict[str, Any], mistake: str) -> None:
    """No text is taken for a number, no `true` for 1; each mistake is told once."""
    (told,) = mistakes(tables)
    assert mistake in told
    assert "CANARY" not in told


def test_key_in_place_of_its_variable_is_not_shown() -> None:
    """An unknown setting is named without its value."""
    (told,) = mistakes({"endpoint": {"api_key": "sk-CANARY"}})
    assert "CANARY" not in told


def test_date_is_no_json(tmp_path: Path) -> None:
    """TOML has dates; a body has none."""
    with pytest.raises(ConfigError, match=r'request\.day: JSON has no dates; write it as text: "2026-01-31"'):
        load(tmp_path, "[request]\nday = 2026-01-31")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"trials = ", "run.toml: not valid TOML: Invalid value"),
        (b"trials = 1\ntrials = 2", "run.toml: not valid TOML: Cannot overwrite a value"),
        (b"name = '\xff'", "run.toml: not valid TOML: 'utf-8' codec can't decode"),
        (b"trials = " + b"9" * 5_000, "run.toml: not valid TOML: "),
        (b"x = " + b"[" * 100_000, "run.toml: not valid TOML: "),
        (b"\xef\xbb\xbftrails = 3", "trails: unknown setting (did you mean `trials`?)"),
    ],
)
def test_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    """With the reason; a byte order mark is none."""
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert message in str(caught.value)


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Nothing, or a folder."""
    with pytest.raises(ConfigError, match=r"none\.toml: no such config file"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("endpoint.rpm=60", "endpoint.rpm", 60),
        (" rules.strings = exact", "rules.strings", " exact"),
        ('endpoint.model="5"', "endpoint.model", "5"),
        ("endpoint.model=meta/llama-3.1:free", "endpoint.model", "meta/llama-3.1:free"),
        ("request.stop=['a', 'b=c']", "request.stop", ["a", "b=c"]),
        ("request.a.b={ c = 1 }", "request.a.b", {"c": 1}),
        ("request.user=", "request.user", ""),
        ("request.ok=true", "request.ok", True),
        ("request.user=1\ntrials = 9", "request.user", "1\ntrials = 9"),
        ("request.user=" + "9" * 5_000, "request.user", "9" * 5_000),
        ("request.user=" + "[" * 100_000, "request.user", "[" * 100_000),
    ],
)
def test_override_is_toml_or_text(text: str, name: str, value: object) -> None:
    """Quotes are needed only where text looks like something else."""
    assert parse_override(text) == (name, value)


@pytest.mark.parametrize("text", ["endpoint.rpm", "=5", " =5", ""])
def test_override_without_a_name_or_value_is_refused(text: str) -> None:
    """With an example of how it is done."""
    with pytest.raises(ConfigError, match="give NAME=VALUE"):
        parse_override(text)


def test_override_below_a_value_is_refused() -> None:
    """A number has no settings."""
    with pytest.raises(ConfigError, match=r"trials\.x: `trials` is no table"):
        load_config(None, [("trials", 3), ("trials.x", 1)])


def test_schema_takes_what_we_take_and_refuses_what_we_refuse(tmp_path: Path) -> None:
    """It is a valid JSON Schema, for editors, with a description of every setting."""
    schema: Any = json_schema()
    validator = jsonschema_rs.validator_for(schema)
    assert list(validator.iter_errors(resolved(load(tmp_path, WHOLE)))) == []
    assert list(validator.iter_errors(resolved(load_config(None)))) == []
    for wrong in ({"trails": 1}, {"trials": 0}, {"endpoint": {"rpm": "x"}}, {"variant": [{"nam": "x"}]}):
        assert not validator.is_valid(wrong), wrong
    settings = [schema["properties"], *(table["properties"] for table in schema["$defs"].values())]
    tables = {"budget", "dataset", "gate", "endpoint", "rules", "report", "variant"}
    bare = [name for table in settings for name, each in table.items() if "description" not in each]
    assert set(bare) <= tables


BOUND = '[endpoint]\nbase_url = "https://one.example/v1"\napi_key_env = "ONE_KEY"\n'


@pytest.mark.parametrize(
    "base_url",
    ["https://two.example/v1", "http://one.example/v1", "https://one.example:8443/v1", "https://one.example.evil/v1"],
)
def test_key_is_for_one_origin(tmp_path: Path, base_url: str) -> None:
    """Who names another server names its key as well; the refusal shows both origins."""
    path = tmp_path / "own.toml"
    path.write_text(BOUND, encoding="utf-8")
    other = ("endpoint.base_url", base_url)
    with pytest.raises(ConfigError, match=r"the key in ONE_KEY is for `https://one\.example:443`, not for `https?://"):
        load_config(path, [other])
    with pytest.raises(ConfigError, match="name the variable of the other one's key with --api-key-env"):
        load_config(None, [other], base=load_config(path))
    assert load_config(path, [other, ("endpoint.api_key_env", "TWO_KEY")]).endpoint.api_key_env == "TWO_KEY"


@pytest.mark.parametrize("base_url", ["https://one.example:443/v2", "https://ONE.example/v1", "embedded:mock"])
def test_key_is_for_all_of_an_origin(tmp_path: Path, base_url: str) -> None:
    """Another path is no other server, and an endpoint of our own gets a key of its own."""
    path = tmp_path / "own.toml"
    path.write_text(BOUND, encoding="utf-8")
    assert load_config(path, [("endpoint.base_url", base_url)]).endpoint.base_url == base_url


@pytest.mark.parametrize(
    "place", ["endpoint.headers.X", "endpoint.extra_body.a", "request.user", "name", "endpoint.model", "dataset.path"]
)
def test_key_in_settings_is_refused_wherever_it_stands(place: str) -> None:
    """With advice, and without being shown."""
    with pytest.raises(ConfigError, match=rf"  {re.escape(place)}: .*name its variable with `api_key_env`") as caught:
        load_config(None, [(place, "sk-CANARY0123456789abcdef")])
    assert "CANARY" not in str(caught.value)
