"""BFCL's files as cases."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fceval.cases.importers import Imported, Skipped, import_cases
from fceval.cases.importers.bfcl import CATEGORIES, PLUGIN
from fceval.errors import DatasetError
from fceval.scoring.bfcl.question import question, question_of
from fceval.scoring.matchers import check_case
from tests.bfcl_data import bfcl_rows, write_bfcl_folder

DOC = {
    "name": "geo.area",
    "description": "Area.",
    "parameters": {"type": "dict", "properties": {"base": {"type": "integer", "description": "Base."}}, "required": []},
}
ENTRY = {"id": "simple_python_0", "question": [[{"role": "user", "content": "Area of 10?"}]], "function": [DOC]}
ANSWER = {"id": "simple_python_0", "ground_truth": [{"geo.area": {"base": [10]}}]}


def _write(path: Path, *rows: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def _data(folder: Path, *entries: dict[str, Any], answers: tuple[dict[str, Any], ...] = (ANSWER,)) -> Path:
    """Write a data folder of one category, in BFCL's form, and return it."""
    _write(folder / "BFCL_v4_simple_python.json", *entries)
    _write(folder / "possible_answer" / "BFCL_v4_simple_python.json", *answers)
    return folder


def _read(source: Path) -> tuple[list[Imported], list[Skipped]]:
    items = list(PLUGIN.read(source))
    found = [item for item in items if isinstance(item, Imported)]
    return found, [item for item in items if isinstance(item, Skipped)]


@pytest.fixture
def public(shared_data: Path, tmp_path: Path) -> Path:
    """Give a data folder that holds the public cases."""
    return write_bfcl_folder(tmp_path / "bfcl", bfcl_rows(shared_data, "cases_public"))


def test_messages_and_tools_are_what_bfcl_sends(shared_data: Path, public: Path) -> None:
    """Equal for every public case, key order included; and each case can be read and judged."""
    wanted = {row["id"]: row for row in bfcl_rows(shared_data, "requests_public")}
    skipped: list[Skipped] = []
    cases = list(import_cases(PLUGIN, public, check_case, skipped.append))
    assert (len(cases), skipped) == (len(wanted), []) == (1_092, [])
    for case in cases:
        request = wanted[case.case_id]
        sent = {"messages": case.turns[0].messages, "tools": [tool.wire for tool in case.tools]}
        assert json.dumps(sent) == json.dumps({"messages": request["messages"], "tools": request.get("tools", [])})
        assert case.category == request["category"]


def test_source_holds_what_bfcls_rules_need(shared_data: Path, public: Path) -> None:
    """From the case alone comes the question that comes from BFCL's own files."""
    raw = {row["id"]: row for row in bfcl_rows(shared_data, "cases_public")}
    for case in import_cases(PLUGIN, public, check_case, lambda _: None):
        row = raw[case.case_id]
        assert question_of(case) == question(row["category"], row["function"], row.get("ground_truth") or [])


def test_case_says_where_it_comes_from(tmp_path: Path) -> None:
    """Id, category and tags are BFCL's; the version is that of the installed package."""
    site = tmp_path / "site-packages"
    (site / "bfcl_eval-2026.3.23.dist-info").mkdir(parents=True)
    (item,), _ = _read(_data(site / "bfcl_eval" / "data", ENTRY))
    fields: Any = item.fields
    assert (fields["case_id"], fields["category"]) == ("simple_python_0", "simple_python")
    assert fields["tags"] == ["python", "non_live"]
    assert fields["source"]["version"] == "2026.3.23"
    assert fields["expected"] == [{"name": "geo_area", "arguments": {"base": 10}}]


@pytest.mark.parametrize("place", ["", "data", "bfcl_eval/data", "berkeley-function-call-leaderboard/bfcl_eval/data"])
def test_data_is_found_below_the_source(place: str, tmp_path: Path) -> None:
    """The data folder, the package and a checkout will all do."""
    _data(tmp_path / place, ENTRY)
    assert len(_read(tmp_path)[0]) == 1


def test_word_names_the_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is found without being imported."""
    _data(tmp_path / "bfcl_eval" / "data", ENTRY)
    (tmp_path / "bfcl_eval" / "__init__.py").write_text("raise RuntimeError", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert len(_read(Path("bfcl_eval"))[0]) == 1
    assert "bfcl_eval" not in sys.modules


def test_package_that_is_not_installed_is_an_error() -> None:
    """The message says what to do."""
    with pytest.raises(DatasetError, match="bfcl_eval: is not installed here"):
        _read(Path("bfcl_eval"))


def test_folder_without_bfcls_files_is_an_error(tmp_path: Path) -> None:
    """The message says what was looked for."""
    with pytest.raises(DatasetError, match="holds none of BFCL's files"):
        _read(tmp_path)


def test_categories_that_are_no_single_turn_are_listed(tmp_path: Path) -> None:
    """So are those whose file is missing: nothing is left out in silence."""
    _write(_data(tmp_path, ENTRY) / "BFCL_v4_memory.json", {"id": "memory_0"})
    _, skipped = _read(tmp_path)
    assert [Path(each.file).stem.removeprefix("BFCL_v4_") for each in skipped] == [*CATEGORIES[1:], "memory"]


def test_row_that_cannot_be_a_case_is_listed(tmp_path: Path) -> None:
    """Without a possible answer, or with several turns, there is nothing to import."""
    several = ENTRY | {"question": [*ENTRY["question"], []]}
    _, skipped = _read(_data(tmp_path, several, ENTRY | {"id": "simple_python_1"}))
    assert [(each.row, each.why) for each in skipped if each.row] == [
        (1, "`simple_python_0` has several turns"),
        (2, "`simple_python_1` has no possible answer"),
    ]


@pytest.mark.parametrize(
    ("entry", "answer"),
    [
        (ENTRY | {"function": [{"name": "x"}]}, ANSWER),
        (ENTRY, ANSWER | {"ground_truth": [{"other": {}}]}),
        (ENTRY, ANSWER | {"ground_truth": ["f()"]}),
        (ENTRY, {"id": "simple_python_0"}),
    ],
)
def test_row_of_another_form_is_an_error(entry: dict[str, Any], answer: dict[str, Any], tmp_path: Path) -> None:
    """The message names file and row."""
    with pytest.raises(DatasetError, match=r"simple_python\.json, row 1: `simple_python_0` is not of BFCL v4's form"):
        _read(_data(tmp_path, entry, answers=(answer,)))


@pytest.mark.parametrize(("text", "problem"), [("{", "not valid JSON"), ("[]", "not a JSON object")])
def test_damaged_line_is_an_error(text: str, problem: str, tmp_path: Path) -> None:
    """The message names file and row."""
    path = _data(tmp_path, ENTRY) / "BFCL_v4_simple_python.json"
    path.write_text(f"\n{text}", encoding="utf-8")
    with pytest.raises(DatasetError, match=rf"simple_python\.json, row 2: {problem}"):
        _read(tmp_path)


def test_text_that_is_no_utf_8_is_an_error(tmp_path: Path) -> None:
    """The message names file and row."""
    (_data(tmp_path, ENTRY) / "BFCL_v4_simple_python.json").write_bytes(b'{"id": "\xff"}')
    with pytest.raises(DatasetError, match="row 1: not UTF-8 text"):
        _read(tmp_path)


def test_missing_answers_are_an_error(tmp_path: Path) -> None:
    """A category comes with its possible answers."""
    (_data(tmp_path, ENTRY) / "possible_answer" / "BFCL_v4_simple_python.json").unlink()
    with pytest.raises(DatasetError, match=r"possible_answer.* cannot be read"):
        _read(tmp_path)


@pytest.mark.parametrize(("category", "expected"), [("irrelevance", []), ("live_relevance", "any")])
def test_relevance_has_no_answers(category: str, expected: object, tmp_path: Path) -> None:
    """No call is wanted, or some call."""
    _write(tmp_path / f"BFCL_v4_{category}.json", ENTRY)
    (item,), _ = _read(tmp_path)
    fields: Any = item.fields
    assert (fields["expected"], fields["source"]["ground_truth"]) == (expected, [])
