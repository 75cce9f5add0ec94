"""Reading datasets: both formats row by row, and every way in which a file is none."""

from __future__ import annotations

import datetime as dt
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fceval.cases import digests
from fceval.cases.read import read_cases, read_cases_at, read_rows
from fceval.errors import DatasetError, FieldError
from fceval.records import Case
from tests.case_rows import LEFT_OUT, WEATHER, row, write_jsonl

LINE = json.dumps(row()).encode()


def jsonl(folder: Path, content: bytes) -> Path:
    """Write a JSONL file byte for byte."""
    path = folder / "cases.jsonl"
    path.write_bytes(content)
    return path


def parquet(folder: Path, **columns: object) -> Path:
    """Write a Parquet file of one row; what is not given is the plain row's."""
    plain: dict[str, object] = {
        name: json.dumps(value) if isinstance(value, list) else value for name, value in row().items()
    }
    arrays = {
        name: value if isinstance(value, pa.Array) else pa.array([value])
        for name, value in (plain | columns).items()
        if value is not LEFT_OUT
    }
    path = folder / "cases.parquet"
    pq.write_table(pa.table(arrays), path)
    return path


def refusal(path: Path) -> str:
    """Return why a dataset is refused, without the folder that it is in."""
    with pytest.raises(DatasetError) as caught:
        list(read_cases(path))
    return str(caught.value).replace(f"{path.parent}/", "")


def test_rows_keep_their_order_and_number(tmp_path: Path) -> None:
    """Blank lines count as lines, so that an editor shows the row that a message names."""
    lines = [json.dumps(row(case_id=name)).encode() for name in "abc"]
    path = jsonl(tmp_path, b"\n" + lines[0] + b"\n  \t\n" + lines[1] + b"\n\n" + lines[2])
    assert [(case.row, case.case_id) for case in read_cases(path)] == [(2, "a"), (4, "b"), (6, "c")]


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbf" + LINE + b"\n", LINE + b"\r\n\r\n", LINE, b"\xef\xbb\xbf\n" + LINE]
)
def test_file_may_come_from_any_editor(tmp_path: Path, content: bytes) -> None:
    """A byte order mark, CRLF and a missing last line end are nothing to stumble over."""
    assert [case.fields for case in read_cases(jsonl(tmp_path, content))] == [row()]


@pytest.mark.parametrize("name", ["cases.JSONL", "cases.ndjson"])
def test_other_spellings_of_the_ending_are_read(tmp_path: Path, name: str) -> None:
    """The ending chooses the format, whatever its case."""
    assert len(list(read_cases(write_jsonl(tmp_path / name, [row()])))) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cases.jsonl: no case in it"),
        (b"\n \r\n\n", "cases.jsonl: no case in it"),
        (LINE + b'\n{"case_id": "b"', "cases.jsonl, row 2: not valid JSON"),
        (LINE + b"\n" + LINE + LINE, "cases.jsonl, row 2: not valid JSON"),
        (b"[" + LINE + b"]", "cases.jsonl, row 1: not a JSON object but [{"),
        (b"\n7", "cases.jsonl, row 2: not a JSON object but 7"),
        (b'{"case_id": "a", "case_id": "b"}', 'cases.jsonl, row 1: duplicate key "case_id"'),
        (LINE.replace(b"Oslo", b"Oslo\xe5"), "cases.jsonl, row 1: not UTF-8: byte 0xe5 at position"),
        (LINE.decode().encode("utf-16"), "cases.jsonl, row 1: not UTF-8: byte 0xff at position 1 of the line"),
        (LINE.replace(b'"a"', b'"\xef\xbb\xbfa"', 1) + b"\n" + LINE[:-1] + b', "x": NaN}', "row 2: NaN is not JSON"),
        (LINE + b"\n\n" + LINE, "row 3, field `case_id`: `a` stands in row 1 already: ids must be unique"),
        (LINE.replace(b'"simple"', b"5"), "row 1, field `category`: Input should be a valid string, found 5"),
    ],
)
def test_mistake_in_a_line_is_named_with_file_and_row(tmp_path: Path, content: bytes, message: str) -> None:
    """The message leads to the line."""
    assert message in refusal(jsonl(tmp_path, content))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """Each way of naming the wrong thing has its own words."""
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "cases.csv").touch()
    assert refusal(tmp_path / "folder.jsonl") == "folder.jsonl: is a directory: give a .jsonl or .parquet file"
    assert refusal(tmp_path / "cases.csv") == "cases.csv: unknown ending `.csv`: give a .jsonl or .parquet file"
    assert refusal(tmp_path / "none.jsonl") == "none.jsonl: no such file"
    assert refusal(tmp_path / "none.parquet") == "none.parquet: no such file"
    assert refusal(tmp_path / "cases.csv" / "x.jsonl") == "x.jsonl: cannot be read: Not a directory"


def test_check_speaks_for_the_row(tmp_path: Path) -> None:
    """What the caller's check refuses is reported like any other mistake."""

    def check(case: Case) -> None:
        raise FieldError("no", "expected[0]")  # noqa: EM101 -- a stand-in

    with pytest.raises(DatasetError, match=r"cases\.jsonl, row 1, field `expected\[0\]`: no"):
        list(read_cases(jsonl(tmp_path, LINE), check))


def test_ids_of_equal_hash_are_two_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are kept as hashes; whether two of them are equal, the file decides."""
    monkeypatch.setattr(digests, "hash", lambda _: 7, raising=False)
    path = write_jsonl(tmp_path / "cases.jsonl", [row(case_id=name) for name in "abc"])
    assert [case.case_id for case in read_cases(path)] == ["a", "b", "c"]
    write_jsonl(path, [row(case_id=name) for name in "abb"])
    assert "`b` stands in row 2 already" in refusal(path)


def test_cases_are_not_held_in_memory(tmp_path: Path) -> None:
    """Going through ten times the cases takes next to no more memory."""
    text = "x" * 2_000
    path = write_jsonl(tmp_path / "cases.jsonl", [row(case_id=str(number), note=text) for number in range(2_000)])
    next(read_cases(path))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_cases(path)) == 2_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000, "the file holds more than 4 MB"


# --- Parquet --------------------------------------------------------------------------------------------------


def test_nested_fields_are_json_text(tmp_path: Path) -> None:
    """A table of text columns is the same case as its JSON line."""
    request = {"temperature": 0.5, "seed": 2**70}
    path = parquet(tmp_path, tags=pa.array([["x", "y"]]), request=json.dumps(request), parallel_tool_calls=True)
    (case,) = read_cases(path)
    assert case.fields == row(tags=["x", "y"], request=request, parallel_tool_calls=True)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("expected", "any", "any"),
        ("expected", '"any"', "any"),
        ("tool_choice", "auto", "auto"),
        ("tool_choice", '{"type": "function"}', {"type": "function"}),
        ("tool_choice", "null", None),
        ("parallel_tool_calls", "false", False),
        ("tags", '["x"]', ["x"]),
        ("category", "true", "true"),
        ("category", "12", "12"),
        ("source", '"BFCL 4"', "BFCL 4"),
        ("source", "BFCL 4, live", "BFCL 4, live"),
        ("source", '{"row": 3}', {"row": 3}),
    ],
)
def test_column_of_text_is_read_as_its_field_wants(tmp_path: Path, column: str, text: str, value: object) -> None:
    """JSON where the field is nested, plain text where it is a label, a bare word for itself."""
    (_, fields) = next(read_rows(parquet(tmp_path, **{column: text})))
    assert fields[column] == value


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_text_may_be_stored_in_any_way(tmp_path: Path, kind: pa.DataType) -> None:
    """Writers differ in the type that they give to text."""
    columns = {name: json.dumps(row()[name]) for name in ("messages", "tools", "expected")}
    texts = {"case_id": "a", "category": "simple", **columns}
    arrays = {name: pa.array([text.encode() if kind == pa.binary() else text], kind) for name, text in texts.items()}
    assert [case.fields for case in read_cases(parquet(tmp_path, **arrays))] == [row()]


MOMENT = dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("values", "value"),
    [
        (pa.array([3]), 3),
        (pa.array([1.5]), 1.5),
        (pa.array([float("nan")]), None),
        (pa.array([float("inf")]), "inf"),
        (pa.array([MOMENT.date()]), "2026-01-31"),
        (pa.array([MOMENT]), "2026-01-31 09:00:00.000000Z"),
        (pa.array([2**62], pa.timestamp("us")), "<value out of range: 4611686018427387904>"),
        (pa.array([1], pa.timestamp("ns")), "1970-01-01 00:00:00.000000001"),
        (pa.array([b"caf\xc3\xa9"]), "café"),
        (pa.array([{"a": [{"b": None}, {"b": b"c"}]}]), {"a": [{"b": None}, {"b": "c"}]}),
        (pa.array([["x"]]), ["x"]),
        (pa.array(["later"]), "later"),
    ],
)
@pytest.mark.parametrize("name", ["seen", "extra"])
def test_foreign_column_is_kept_as_json(tmp_path: Path, name: str, values: pa.Array, value: object) -> None:
    """Whatever another tool put beside a case becomes a value that JSON has, and a name is only a name."""
    (case,) = read_cases(parquet(tmp_path, **{name: values}))
    assert case.fields.get(name) == value


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"tools": pa.array([[WEATHER]])}, "row 1, field `tools`: a nested column: store it as JSON text"),
        ({"request": pa.array([{"seed": 1}])}, "row 1, field `request`: a nested column"),
        ({"messages": "[{"}, "row 1, field `messages`: not valid JSON"),
        ({"tool_choice": "auto, please"}, "row 1, field `tool_choice`: not valid JSON"),
        ({"case_id": 7}, "row 1, field `case_id`: Input should be a valid string, found 7"),
        ({"category": pa.array([b"\xff"])}, "row 1, field `category`: not UTF-8"),
        ({"extra": "{later}"}, "row 1, field `extra`: not valid JSON"),
        (
            {"extra": '{"case_id": "b"}'},
            "row 1, field `case_id`: `case_id` stands in `extra` and in a column of its own",
        ),
        ({"expected": LEFT_OUT}, "row 1, field `expected`: missing"),
    ],
)
def test_mistake_in_a_table_is_named(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    """File, row and field, as for JSONL."""
    assert message in refusal(parquet(tmp_path, **columns))


def test_rows_before_a_mistake_are_read(tmp_path: Path) -> None:
    """A table is decoded many rows at once; the mistake is told where it stands, after what is fine."""
    texts = [json.dumps(row()["messages"])] * 5
    texts[3] = "[{"
    names = pa.array(list("abcde"))
    columns = {name: pa.array([json.dumps(row()[name])] * 5) for name in ("tools", "expected")}
    rows = read_rows(parquet(tmp_path, case_id=names, category=names, messages=pa.array(texts), **columns))
    assert [next(rows)[1]["case_id"] for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(DatasetError, match=r"row 4, field `messages`: not valid JSON"):
        next(rows)


def test_chosen_rows_are_read_from_wherever_they_stand(tmp_path: Path) -> None:
    """Alone, one after the other, and on both sides of a row group's border."""
    path = tmp_path / "cases.parquet"
    columns = {name: [json.dumps(row()[name])] * 9 for name in ("messages", "tools", "expected")}
    pq.write_table(pa.table({"case_id": list("abcdefghi"), **columns}), path, row_group_size=4)
    for rows in ([1], [2, 3, 4, 5], [1, 3, 4, 8, 9], range(4, 7), [], range(1, 10)):
        assert [(case.row, case.case_id) for case in read_cases_at(path, rows)] == [
            (at, " abcdefghi"[at]) for at in rows
        ]


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """A column that claims to be text, and is not, does not end the process."""
    array = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])
    assert "a text column is not UTF-8 between rows 1 and 1000" in refusal(parquet(tmp_path, note=array))


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    """Which of them is meant, nobody knows."""
    path = tmp_path / "cases.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["case_id", "case_id"]), path)
    assert refusal(path) == "cases.parquet, field `case_id`: there are two columns of this name"


def test_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    """Another format, an empty file, a file without rows, a file cut short."""
    path = tmp_path / "cases.parquet"
    path.write_bytes(LINE)
    assert "cases.parquet: not a Parquet file that can be read" in refusal(path)
    path.write_bytes(b"")
    assert "cases.parquet: not a Parquet file that can be read" in refusal(path)
    whole = parquet(tmp_path).read_bytes()
    path.write_bytes(whole[:200] + whole[400:])
    assert "cases.parquet: " in refusal(path)
    pq.write_table(pa.table({"case_id": pa.array([], pa.string())}), path)
    assert refusal(path) == "cases.parquet: no case in it"
