"""The Berkeley Function Calling Leaderboard v4: its 13 single-turn categories.

The source is the word `bfcl_eval` (the installed package), that package's folder, its `data` folder, or a checkout
of the gorilla repository. Each case keeps in `source` what BFCL's own rules need (`--rules bfcl`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fceval.cases.importers import Imported, Importer, Item, Skipped
from fceval.cases.importers._bfcl_expected import expected_call
from fceval.cases.importers._bfcl_tools import language_of, tool_of
from fceval.cases.importers._json_lines import read_objects
from fceval.errors import DatasetError
from fceval.records import Json

CATEGORIES = (
    "simple_python",
    "simple_java",
    "simple_javascript",
    "multiple",
    "parallel",
    "parallel_multiple",
    "irrelevance",
    "live_simple",
    "live_multiple",
    "live_parallel",
    "live_parallel_multiple",
    "live_irrelevance",
    "live_relevance",
)
"""In the order in which they are imported."""

_PACKAGE = "bfcl_eval"
_PREFIX = "BFCL_v4_"
_DATA_FOLDERS = ("", "data", "bfcl_eval/data", "berkeley-function-call-leaderboard/bfcl_eval/data")


class Bfcl:
    """Reads the data folder of `bfcl_eval`."""

    def read(self, source: Path) -> Iterator[Item]:
        """Yield the cases category by category, then a note on each file that holds none of them."""
        folder = _data_folder(source)
        version = _version(folder)
        for category in CATEGORIES:
            path = folder / f"{_PREFIX}{category}.json"
            if path.is_file():
                yield from _category(path, category, version)
            else:
                yield Skipped(str(path), None, f"no such file: category `{category}` is not imported")
        for path in sorted(folder.glob(f"{_PREFIX}*.json")):
            if path.stem.removeprefix(_PREFIX) not in CATEGORIES:
                why = "not one of the single-turn categories: needs BFCL's own simulators, searches or prompts"
                yield Skipped(str(path), None, why)


def _data_folder(source: Path) -> Path:
    place = _installed() if str(source) == _PACKAGE and not source.exists() else source
    for name in _DATA_FOLDERS:
        folder = place / name
        if any((folder / f"{_PREFIX}{category}.json").is_file() for category in CATEGORIES):
            return folder
    msg = f"holds none of BFCL's files ({_PREFIX}simple_python.json ...): give `{_PACKAGE}`, or its `data` folder"
    raise DatasetError(msg, file=str(source))


def _installed() -> Path:
    spec = find_spec(_PACKAGE)
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations:
        msg = "is not installed here: install it, or give the path of its `data` folder"
        raise DatasetError(msg, file=_PACKAGE)
    return Path(locations[0])


def _version(folder: Path) -> str | None:
    """Return the version of an installed package; None for a checkout, which has none of its own."""
    installed = sorted(folder.parent.parent.glob(f"{_PACKAGE}-*.dist-info"))
    return installed[0].name.removeprefix(f"{_PACKAGE}-").removesuffix(".dist-info") if installed else None


def _category(path: Path, category: str, version: str | None) -> Iterator[Item]:
    answers: dict[object, Any] = {}
    if "relevance" not in category:
        answers = {entry.get("id"): entry for _, entry in read_objects(path.parent / "possible_answer" / path.name)}
    for row, entry in read_objects(path):
        answer = answers.get(entry.get("id"), {"ground_truth": []} if "relevance" in category else None)
        if answer is None:
            yield Skipped(str(path), row, f"`{entry.get('id')}` has no possible answer")
            continue
        if len(entry.get("question", ())) != 1:
            yield Skipped(str(path), row, f"`{entry.get('id')}` has several turns")
            continue
        try:
            fields = _case(entry, answer["ground_truth"], category, version)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            msg = f"`{entry.get('id')}` is not of BFCL v4's form ({type(error).__name__}: {error})"
            raise DatasetError(msg, file=str(path), row=row) from error
        yield Imported(str(path), row, fields)


def _case(
    entry: Mapping[str, Any], ground_truth: Sequence[Mapping[str, Any]], category: str, version: str | None
) -> dict[str, Json]:
    language = language_of(category)
    docs = entry["function"]
    expected: Json = "any"
    if category != "live_relevance":
        expected = [expected_call(wanted, docs, language) for wanted in ground_truth]
    origin: dict[str, Json] = {"dataset": "bfcl"}
    if version:
        origin["version"] = version
    origin |= {"category": category, "language": language, "function": docs, "ground_truth": list(ground_truth)}
    return {
        "case_id": entry["id"],
        "category": category,
        "tags": [language, "live" if category.startswith("live_") else "non_live"],
        "messages": entry["question"][0],
        "tools": [tool_of(doc, language) for doc in docs],
        "expected": expected,
        "source": origin,
    }


PLUGIN: Importer = Bfcl()
