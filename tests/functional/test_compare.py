"""`fceval compare`: what it says of runs, what it refuses, and how it ends."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.conftest import Command
from tests.functional.orders import case, write_cases
from tests.functional.scored import Make, cases_of, scored_run, unheard


@pytest.fixture
def make(command: Command, tmp_path: Path) -> Make:
    """Give a function that makes scored runs."""
    return partial(scored_run, command, tmp_path)


def words(text: str) -> str:
    """Return text without its line breaks."""
    return " ".join(text.split())


def test_run_against_itself_is_nothing(command: Command, make: Make) -> None:
    """The headline says so, and what would have been seen."""
    run = make("base", cases_of(4), wrong=[2])
    said = command("compare", run, run)
    assert said.code == 0
    assert words(said.out).startswith("Nothing changed: accuracy 75.0% over 4 shared cases, the same in every case.")
    assert said.err == ""


@pytest.mark.parametrize(
    ("before", "after", "opening"),
    [
        ([], range(1, 11), "Regressed: accuracy 100% before, 50.0% now over 20 shared cases (−50.0 points"),
        (range(1, 11), [], "Improved: accuracy 50.0% before, 100% now over 20 shared cases (+50.0 points"),
        (
            [1],
            [2],
            "Underpowered, too few cases to tell: accuracy 95.0% before, 95.0% now over 20 shared cases (0.0 points",
        ),
    ],
)
def test_verdict_is_in_words_and_no_gate(  # noqa: PLR0913, PLR0917 -- two runs, and what is said of them
    command: Command, make: Make, tmp_path: Path, before: list[int], after: list[int], opening: str
) -> None:
    """Whatever is found, it was found: exit code 0."""
    make("base", cases_of(20), before)
    make("new", cases_of(20), after)
    said = command("compare", "base", "new")
    assert said.code == 0
    assert words(said.out).startswith(opening)


def test_what_must_be_seen_decides_what_is_too_few(command: Command, make: Make) -> None:
    """Twenty cases show a fall of half of them."""
    make("base", cases_of(20), [1])
    make("new", cases_of(20), [2])
    assert "No evidence of a difference" in words(command("compare", "base", "new", "--detect", "50pp").out)


def test_report_shows_flips_flows_groups_and_what_is_not_shared(command: Command, make: Make, tmp_path: Path) -> None:
    """In every format alike; the short text names the cases."""
    old = [case(1), case(2), case(3), case(4), case(5)]
    changed = case(4, messages=[{"role": "user", "content": "Where is order_4?"}])
    fresh = case(5, case_id="order-5b", messages=[{"role": "user", "content": "And order_5?"}])
    make("base", old, [3])
    make("new", [case(1), case(2), case(3), changed, fresh], [2])
    said = command(
        "compare", "base", "new", "--by", "category", "--by", "tool", "--by", "argument", "-o", "c.json", "-o", "c.md"
    )
    assert said.code == 0
    for shown in ("order-2", "order-3", "wrong value", "By category", "By tool", "By argument", "Report: c.json"):
        assert shown in said.out
    report: dict[str, Any] = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    sections = {section["key"]: section for section in report["sections"]}
    assert {table["title"]: table["rows"] for table in sections["cases"]["tables"]} == {
        "New: in the new run only": [["order-5b"]],
        "Removed: in the base only": [["order-5"]],
        "Changed: same name, other content": [["order-4"]],
    }
    assert sections["flows"]["tables"][0]["rows"] == [["passed", "wrong value", 1], ["wrong value", "passed", 1]]
    assert {table["title"]: [row[0] for row in table["rows"]] for table in sections["flips"]["tables"]} == {
        "Got worse": ["order-2"],
        "Got better": ["order-3"],
    }
    assert command("compare", "base", "new", "--format", "markdown").out.startswith("# new compared with base")
    assert (tmp_path / "c.md").read_text(encoding="utf-8").startswith("# new compared with base")


def test_other_settings_are_warned_of(command: Command, make: Make, tmp_path: Path) -> None:
    """On stderr and in the report: what differs, both values, what to do."""
    make("base", cases_of(3), settings=["rules.strings=exact"])
    make("new", cases_of(2), settings=["endpoint.dialect=functions"])
    said = command("compare", "base", "new", "-o", "c.json")
    assert said.code == 0
    told = said.err.splitlines()
    assert [line.partition(" differs")[0] for line in told] == [
        "Warning: rules.strings",
        "Warning: endpoint.dialect",
        "Warning: dataset",
    ]
    assert "exact, then normalized" in told[0]
    assert "--set rules.strings=" in told[0]
    report: dict[str, Any] = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    (rows,) = [section["tables"][0]["rows"] for section in report["sections"] if section["key"] == "cautions"]
    assert rows[0][:3] == ["rules.strings", "exact", "normalized"]


def test_runs_that_share_no_case_are_refused(command: Command, make: Make) -> None:
    """Exit code 3, and why."""
    make("base", cases_of(2))
    make("new", cases_of(2, messages=[{"role": "user", "content": "Another prompt for order_1."}]))
    said = command("compare", "base", "new")
    assert said.code == 3
    assert "they share no case; 2 have the same name, but other content" in said.err
    make("other", [case(7), case(8)])
    assert "are they runs of one dataset?" in command("compare", "base", "other").err


def test_several_runs_against_one_base_are_adjusted_together(command: Command, make: Make) -> None:
    """Six of twenty fell (p = 0.031): regressed alone, no verdict as one of three."""
    make("base", cases_of(20))
    make("worse", cases_of(20), range(1, 7))
    make("same", cases_of(20))
    make("twin", cases_of(20))
    assert words(command("compare", "base", "worse").out).startswith("Regressed:")
    said = command("compare", "base", "worse", "same", "twin")
    assert words(said.out).startswith(
        "3 comparisons with base, in points of accuracy. Underpowered, too few cases to tell: worse (−30.0), "
        "same (0.0), twin (0.0)."
    )


def grid(command: Command, tmp_path: Path, names: tuple[str, ...] = ("plain", "polite")) -> Path:
    """Make a run of two variants against the built-in endpoint, and return its folder."""
    config = tmp_path / "grid.toml"
    write_cases(tmp_path / "grid.jsonl", cases_of(3))
    variants = "".join(f'[[variant]]\nname = "{name}"\n' for name in names)
    endpoint = '[endpoint]\nbase_url = "embedded:mock"\nmodel = "m"\n'
    config.write_text(f'trials = 2\n[dataset]\npath = "grid.jsonl"\n{endpoint}{variants}', encoding="utf-8")
    said = command("run", config, "--out", "-".join(names), "-q")
    assert said.code == 0, said.err
    return tmp_path / "-".join(names)


def test_variants_of_one_run(command: Command, tmp_path: Path) -> None:
    """Alone: the others with the first; with `#` one of them; by name with those of another run."""
    grid(command, tmp_path)
    said = command("compare", "plain-polite", "--by", "variant", "--format", "json")
    assert json.loads(said.out)["title"] == "plain-polite#polite compared with plain-polite#plain"
    said = command("compare", "plain-polite#polite", "plain-polite#plain", "--format", "json")
    assert json.loads(said.out)["title"] == "plain-polite#plain compared with plain-polite#polite"
    grid(command, tmp_path, ("polite", "rude"))
    said = command("compare", "plain-polite", "polite-rude", "--format", "json")
    assert json.loads(said.out)["title"] == "polite-rude#polite compared with plain-polite#polite"
    assert "plain-polite: plain is in this run only" in said.err
    assert "polite-rude: rude is in this run only" in said.err


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with two runs and an unscored one."""
    folder = tmp_path_factory.mktemp("runs")
    for name in ("base", "new", "unscored"):
        scored_run(unheard, folder, name, cases_of(2))
    (folder / "unscored" / "scores.parquet").unlink()
    return folder


@pytest.mark.parametrize(
    ("arguments", "words_of_it"),
    [
        (("base",), "has one variant: name a second run"),
        (("base", "none"), "none: no run there"),
        (("base#defualt", "new"), "no variant `defualt` (did you mean `default`?)"),
        (("base", "unscored"), "fceval score"),
        (("base", "new", "-o", "c.docx"), "no report has the ending `.docx`"),
        (("base", "new", "-o", "nowhere/c.md"), "there is no folder nowhere"),
        (("base", "new", "--format", "word"), "word"),
        (("base", "new", "--format", "xlsx"), "is no text; write it to a file: -o FILE.xlsx"),
        (("base", "new", "--format", "csv"), "csv lists the responses of one run"),
        (("base", "new", "-o", "c.xml"), "c.xml: junit lists the responses of one run"),
        (("base", "new", "--detect", "5"), "write 2pp, 2% or 0.02"),
        (("base", "new", "--alpha", "0"), "--alpha"),
    ],
)
def test_usage_errors(
    command: Command, made_once: Path, tmp_path: Path, arguments: tuple[str, ...], words_of_it: str
) -> None:
    """Exit code 2, and what to do."""
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    said = command("compare", *arguments)
    assert said.code == 2
    assert words_of_it in said.err


def test_trials_that_disagree_are_listed(command: Command, make: Make, tmp_path: Path) -> None:
    """With the chance that two trials of the case do."""
    make("base", cases_of(3))
    make("new", cases_of(3), trials=[[1], [1, 2], []])
    command("compare", "base", "new", "-o", "c.json")
    report: dict[str, Any] = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    (wavering,) = [section for section in report["sections"] if section["key"] == "wavering"]
    assert [row[:3] for row in wavering["tables"][0]["rows"]] == [["order-1", 3, 1], ["order-2", 3, 2]]
