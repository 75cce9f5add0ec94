"""What a user can get wrong: each is said with its place, ends with its exit code, and costs no request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.fake_endpoint import FakeEndpoint, error_reply
from tests.functional.conftest import Command
from tests.functional.orders import TOOL, case, orders, write_cases

File = Callable[[Path], Path]


def _rows(*rows: dict[str, Any]) -> File:
    return lambda folder: write_cases(folder / "bad.jsonl", rows)


def _content(name: str, content: bytes) -> File:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def _second(**fields: object) -> File:
    return _rows(case(1), case(2, **fields))


def _expecting(name: str = "get_delivery_date", order_id: object = "order_2") -> list[dict[str, Any]]:
    return [{"name": name, "arguments": {"order_id": order_id}}]


def _folder(folder: Path) -> Path:
    (folder / "bad.jsonl").mkdir()
    return folder / "bad.jsonl"


def _parquet(**columns: list[object]) -> File:
    def write(folder: Path) -> Path:
        pl.DataFrame(columns).write_parquet(folder / "bad.parquet")
        return folder / "bad.parquet"

    return write


def _cut_parquet(folder: Path) -> Path:
    path = _parquet(case_id=["a"] * 1000)(folder)
    path.write_bytes(path.read_bytes()[:-100])
    return path


SEVENTEEN = b"".join(json.dumps(case(number)).encode() + b"\n" for number in range(1, 17))
NAMELESS = {"type": "function", "function": {"parameters": {}}}

DATASETS: dict[str, tuple[File, str]] = {
    "absent": (lambda folder: folder / "bad.jsonl", "bad.jsonl: no such file"),
    "empty": (_content("bad.jsonl", b""), "bad.jsonl: no case in it"),
    "blank lines": (_content("bad.jsonl", b"\n \n\n"), "bad.jsonl: no case in it"),
    "directory": (_folder, "bad.jsonl: is a directory: give a .jsonl or .parquet file"),
    "ending": (_content("bad.csv", b"case_id\n"), "bad.csv: unknown ending `.csv`: give a .jsonl or .parquet file"),
    "not UTF-8": (
        _content("bad.jsonl", b'{"case_id": "\xe9"}\n'),
        "bad.jsonl, row 1: not UTF-8: byte 0xe9 at position 14",
    ),
    "not JSON": (
        _content("bad.jsonl", SEVENTEEN + b"{oops}\n"),
        "bad.jsonl, row 17: not valid JSON at line 1 column 2",
    ),
    "not an object": (_content("bad.jsonl", b"[1]\n"), "bad.jsonl, row 1: not a JSON object but [1]"),
    "NaN": (_content("bad.jsonl", b'{"case_id": NaN}\n'), "bad.jsonl, row 1: NaN is not JSON"),
    "key twice": (_content("bad.jsonl", b'{"a": 1, "a": 2}\n'), 'bad.jsonl, row 1: duplicate key "a"'),
    "missing field": (_second(tools=...), "bad.jsonl, row 2, field `tools`: missing"),
    "no messages": (_second(messages=...), "bad.jsonl, row 2, field `messages`: missing"),
    "nothing expected": (_second(expected=...), "bad.jsonl, row 2, field `expected`: missing"),
    "wrong type": (_second(case_id=2), "bad.jsonl, row 2, field `case_id`: Input should be a valid string, found 2"),
    "misspelt field": (_second(expcted=[]), "row 2, field `expcted`: unknown field (did you mean `expected`?)"),
    "id twice": (_rows(case(1), case(1)), "bad.jsonl, row 2, field `case_id`: `order-1` stands in row 1 already"),
    "nameless tool": (_second(tools=[TOOL, NAMELESS]), "row 2, field `tools[1].function.name`: missing"),
    "tool twice": (_second(tools=[TOOL, TOOL]), "row 2, field `tools[1].function.name`: tool `get_delivery_date`"),
    "tool not offered": (
        _second(expected=_expecting("get_delivery_dat")),
        "tool `get_delivery_dat` is expected but not offered (did you mean `get_delivery_date`?)",
    ),
    "misspelt matcher": (
        _second(expected=_expecting(order_id={"$match": "one_off", "values": []})),
        "row 2, field `expected[0].arguments.order_id`: unknown matcher `one_off` (did you mean `one_of`?)",
    ),
    "misspelt option": (
        _second(expected=_expecting(order_id={"$match": "one_of", "value": [1]})),
        "field `expected[0].arguments.order_id`: matcher `one_of` has no option `value` (did you mean `values`?)",
    ),
    "surrogate in a label": (_second(category="a\ud800"), "row 2, field `category`: holds a lone surrogate"),
    "surrogate in a tag": (_second(tags=["a\ud800"]), "row 2, field `tags[0]`: holds a lone surrogate"),
    "not Parquet": (_content("bad.parquet", b"PAR1 and so on"), "bad.parquet: not a Parquet file that can be read"),
    "empty Parquet": (_content("bad.parquet", b""), "bad.parquet: not a Parquet file that can be read"),
    "cut Parquet": (_cut_parquet, "bad.parquet: not a Parquet file that can be read"),
    "nested Parquet": (
        _parquet(case_id=["a"], messages=[[{"role": "user"}]]),
        "bad.parquet, row 1, field `messages`: a nested column: store it as JSON text",
    ),
    "Parquet of something": (_parquet(a=[1]), "bad.parquet, row 1, field `case_id`: missing"),
}


@pytest.mark.parametrize("name", DATASETS)
def test_bad_dataset(command: Command, tmp_path: Path, name: str) -> None:
    """File, row and field are named; no request is sent and no folder is left."""
    file, said = DATASETS[name]
    path = file(tmp_path)
    with FakeEndpoint(error_reply(500)) as endpoint:
        ended = command("run", "--dataset", path, "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        assert endpoint.received == ()
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run").exists()


THREE_MISTAKES = """
nam = "nightly"
[dataset]
path = "orders.jsonl"
[endpoint]
base_url = "http://127.0.0.1:9/v1"
model = "m"
concurrency = "many"
[report]
formats = ["htm"]
"""

CONFIGS: dict[str, tuple[bytes, list[str]]] = {
    "three mistakes": (
        THREE_MISTAKES.encode(),
        [
            "bad.toml: 3 mistakes",
            "nam: unknown setting (did you mean `name`?)",
            "endpoint.concurrency: Input should be a valid integer, found 'many'",
            "report.formats: there is no `htm` (did you mean `html`?)",
        ],
    ),
    "not TOML": (b"a = = 1\n", ["bad.toml: not valid TOML: Invalid value (at line 1, column 5)"]),
    "not UTF-8": (b'a = "\xff"\n', ["bad.toml: not valid TOML"]),
    "a key": (b'[endpoint]\napi_key = "sk-1"\n', ["endpoint.api_key: unknown setting (did you mean `api_key_env`?)"]),
    "table in the place of a value": (
        b"[trials]\na = 1\n",
        ["trials: Input should be a valid integer, found {'a': 1}"],
    ),
    "value in the place of a table": (b"endpoint = 1\n", ["endpoint: "]),
    "two variants of a name": (
        b'[[variant]]\nname = "a"\n[[variant]]\nname = "a"\n',
        ["variant[1].name: `a` is the name of another variant"],
    ),
    "nothing set": (b"", ["endpoint.base_url: not set (--base-url)", "endpoint.model: not set (--model)"]),
    "no dataset": (
        b'[endpoint]\nbase_url = "embedded:mock"\nmodel = "m"\n',
        ["dataset.path: not set (--dataset): which cases are to be run?"],
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_bad_config(command: Command, tmp_path: Path, name: str) -> None:
    """All mistakes are named at once, each with its place; a key that was written down is not repeated."""
    content, said = CONFIGS[name]
    (tmp_path / "bad.toml").write_bytes(content)
    ended = command("run", "bad.toml")
    assert (ended.code, ended.out) == (2, "")
    assert [line for line in said if line not in ended.err] == []
    assert "Traceback" not in ended.err
    assert "sk-1" not in ended.err


TO_PORT_9 = ("run", "--dataset", "orders.jsonl", "--model", "m", "--base-url", "http://127.0.0.1:9/v1")
TO_MOCK = ("run", "--dataset", "orders.jsonl", "--model", "m", "--base-url", "embedded:mock")
SHORT = ("run", "--dataset", "orders.jsonl", "--model", "m", "--base-url")

COMMANDS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "unknown command": (("rnu",), 2, "No such command 'rnu'"),
    "unknown flag": ((*TO_PORT_9, "--modle", "x"), 2, "No such option '--modle'"),
    "flag without value": (("run", "--model"), 2, "Option '--model' requires an argument"),
    "absent config": (("run", "none.toml"), 2, "none.toml: no such config file"),
    "folder for a config": (("run", "."), 2, ".: cannot be read: Is a directory"),
    "no scheme": ((*SHORT, "api.example.com/v1"), 2, "`api.example.com/v1` is no http:// or https:// URL"),
    "other scheme": ((*SHORT, "ftp://host/v1"), 2, "`ftp://host/v1` is no http:// or https:// URL"),
    "bad port": ((*SHORT, "http://host:99999/v1"), 2, "is no http:// or https:// URL"),
    "password": ((*SHORT, "http://ann:secret@host/v1"), 2, "holds a user name or password"),
    "whole address": (
        (*SHORT, "http://host/v1/chat/completions"),
        2,
        "leave out `/chat/completions`, which gives `http://host/v1`",
    ),
    "query": ((*SHORT, "http://host/v1?key=1"), 2, "is more than a base URL"),
    "unknown embedded": ((*SHORT, "embedded:mok"), 2, "there is no `embedded:mok` (did you mean `embedded:mock`?)"),
    "unset key": ((*TO_PORT_9, "--api-key-env", "NOT_SET"), 2, "the environment variable NOT_SET is not set"),
    "key as a name": ((*TO_PORT_9, "--api-key-env", "sk-12"), 2, "give the name of an environment variable"),
    "limit of nothing": ((*TO_MOCK, "--limit", "0"), 2, "dataset.limit: Input should be greater than or equal to 1"),
    "no worker": ((*TO_MOCK, "-j", "0"), 2, "endpoint.concurrency: Input should be greater than or equal to 1"),
    "no pace": ((*TO_MOCK, "--rpm", "0"), 2, "endpoint.rpm: Input should be greater than 0"),
    "no number": ((*TO_MOCK, "--trials", "two"), 2, "'two' is not a valid integer"),
    "selection of nothing": (
        (*TO_MOCK, "--set", 'dataset.tags=["none"]'),
        2,
        "dataset.tags: no case of the dataset has `none`",
    ),
    "no list": (
        (*TO_MOCK, "--set", "dataset.tags=support"),
        2,
        "dataset.tags: Input should be a list, found 'support'",
    ),
    "no Unicode": ((*TO_MOCK, "--model", "\udcff"), 2, "endpoint.model: '\\udcff' is no Unicode text"),
    "path of no Unicode": ((*TO_MOCK, "--out", "\udcff"), 2, "choose another --out"),
    "date": (
        (*TO_MOCK, "--set", "request.day=2026-01-01"),
        2,
        'request.day: JSON has no dates; write it as text: "2026-',
    ),
    "no number of JSON": ((*TO_MOCK, "--set", "request.top_p=nan"), 2, "request.top_p: nan is no number of JSON"),
    "field of the run": ((*TO_MOCK, "--set", "request.model=x"), 2, "request.model: is set by `endpoint.model`"),
    "streaming": (
        (*TO_MOCK, "--set", "request.stream=true"),
        2,
        "request.stream: is set by `endpoint.stream` (--stream)",
    ),
    "setting without a value": ((*TO_MOCK, "--set", "trials"), 2, "--set trials: give NAME=VALUE"),
    "unknown setting": ((*TO_MOCK, "--set", "trails=2"), 2, "trails: unknown setting (did you mean `trials`?)"),
    "setting in a value": ((*TO_MOCK, "--set", "trials.x=2"), 2, "trials: Input should be a valid integer"),
    "unknown dialect": ((*TO_MOCK, "--dialect", "tols"), 2, "there is no `tols` (did you mean `tools`?)"),
    "unknown mistake": ((*TO_MOCK, "--mistakes", "wrong=1"), 2, "there is no `wrong`"),
    "mistakes of another": ((*TO_PORT_9, "--mistakes", "refused=1"), 2, "only an embedded endpoint has any"),
    "run in a file": ((*TO_MOCK, "--out", "orders.jsonl"), 5, "orders.jsonl: cannot be made: File exists"),
    "run among other files": ((*TO_MOCK, "--out", "."), 2, ".: is not empty: choose another --out"),
    "run in nowhere": ((*TO_MOCK, "--out", "/proc/none/run"), 5, "/proc/none/run: cannot be made"),
    "run called latest": ((*TO_MOCK, "--out", "reports/latest"), 2, "`latest` means the newest run"),
    "resume of nothing": (("run", "--resume", "none"), 2, "none: no run there"),
    "resume of the newest of none": (("run", "--resume", "latest"), 2, "reports/latest: no run yet"),
    "resume elsewhere": (("run", "--resume", "a", "--out", "b"), 2, "a resumed run stays in its own folder"),
    "score of nothing": (("score",), 2, "give either a RUN or --dataset with --predictions"),
    "score of both": (("score", "a", "--predictions", "b"), 2, "give either a RUN or --dataset with --predictions"),
    "predictions alone": (("score", "--predictions", "b.jsonl"), 2, "dataset.path: not set (--dataset)"),
    "show of a file": (("show", "orders.jsonl"), 2, "orders.jsonl: no run there"),
    "report of nothing": (("report", "none"), 2, "none: no run there"),
    "convert to CSV": (("dataset", "convert", "orders.jsonl", "x.csv"), 2, "x.csv: unknown ending `.csv`"),
    "convert to nowhere": (("dataset", "convert", "orders.jsonl", "no/x.jsonl"), 5, "no/x.jsonl: cannot be written"),
    "sample of none": (
        ("dataset", "sample", "orders.jsonl", "-n", "0", "--out", "x.jsonl"),
        2,
        "0 is not in the range",
    ),
    "serve of nothing": (("serve", "mok"), 2, "unknown embedded endpoint `mok` (did you mean `mock`?)"),
    "serve of an absent file": (("serve", "mock", "--dataset", "none.jsonl"), 2, "none.jsonl: no such file"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_bad_command(command: Command, tmp_path: Path, name: str) -> None:
    """The message says what was given and what is wanted, the exit code says whose fault it is."""
    arguments, code, said = COMMANDS[name]
    orders(tmp_path)
    ended = command(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert "sk-12" not in ended.err
    assert "secret" not in ended.err
    assert [path.name for path in tmp_path.iterdir() if path.name != "reports"] == ["orders.jsonl"]


@pytest.fixture
def done(command: Command, tmp_path: Path) -> Path:
    """Give a run of the embedded mock."""
    orders(tmp_path)
    assert command(*TO_MOCK, "--out", "done").code == 0
    return tmp_path / "done"


def test_bad_commands_on_a_run(command: Command, done: Path) -> None:
    """What a run does not have is named, with what it has; the run stays as it is."""
    files = {path.name: path.read_bytes() for path in done.iterdir()}
    for arguments, code, said in (
        (["show", "done", "order-11"], 2, "done: there is no case `order-11` (did you mean `order-1`?)"),
        (
            ["report", "done", "--format", "pdf"],
            2,
            "unknown exporter `pdf`; there are: csv, github, html, json, junit, ",
        ),
        (["report", "done", "-o", "x.pdf"], 2, "x.pdf: no report has the ending `.pdf`"),
        (["report", "done", "-o", "no/x.md"], 5, "no/x.md: cannot be written: No such file or directory"),
        ([*TO_MOCK, "--out", "done"], 2, "done: holds a run already: go on with it (--resume done)"),
        (["score", "done", "--out", "done"], 2, "done: holds a run already"),
        (["score", "done", "--dataset", "orders.jsonl"], 2, "--dataset goes with --predictions"),
    ):
        ended = command(*arguments)
        assert (ended.code, ended.out) == (code, ""), arguments
        assert said in ended.err
    assert {path.name: path.read_bytes() for path in done.iterdir()} == files


def test_damaged_run_is_named(command: Command, done: Path) -> None:
    """A file of the run that is not what fceval wrote is named, with exit code 5."""
    (done / "scores.parquet").write_bytes(b"nonsense")
    assert (command("show", "done").code, "scores.parquet" in command("show", "done").err) == (5, True)
    (done / "run.json").write_text("{}", encoding="utf-8")
    assert (command("score", "done").code, "run.json" in command("score", "done").err) == (5, True)
