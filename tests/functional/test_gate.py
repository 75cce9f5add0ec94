"""`fceval gate` and `fceval baseline`: exit codes, and the paragraph that says why."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.functional.conftest import Command
from tests.functional.orders import case
from tests.functional.scored import Make, cases_of, scored_run, unheard


@pytest.fixture
def make(command: Command, tmp_path: Path) -> Make:
    """Give a function that makes scored runs."""
    return partial(scored_run, command, tmp_path)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a base, and three runs of the same cases: as good, a little worse, much worse."""
    folder = tmp_path_factory.mktemp("nights")
    for name, wrong in (("base", [1]), ("same", [2]), ("little", [1, 2, 3]), ("much", range(1, 16))):
        scored_run(unheard, folder, name, cases_of(30), wrong)
    return folder


@pytest.fixture
def nights(made_once: Path, tmp_path: Path) -> None:
    """Put those runs where the commands of a test find them."""
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)


@pytest.mark.parametrize("against", ["base", "baseline.json"])
@pytest.mark.parametrize(
    ("new", "flags", "code", "words"),
    [
        (
            "same",
            ["--max-drop", "2pp"],
            0,
            "Gate passed: accuracy stayed at 96.7% over 30 shared cases (1 worse, 1 better",
        ),
        (
            "little",
            ["--max-drop", "2%"],
            0,
            "fell from 96.7% to 90.0% over 30 shared cases (2 worse, 0 better; p of a drop = 0.25)",
        ),
        ("little", ["--max-drop", "0.02", "--alpha", "0.3"], 1, "Gate FAILED: accuracy fell from 96.7% to 90.0%"),
        (
            "much",
            ["--max-drop", "2pp"],
            1,
            "Worse: order-10, order-11, order-12, order-13, order-14 and 9 more. See: fceval compare",
        ),
        ("much", ["--max-drop", "2pp", "--by", "category"], 1, "accuracy of category=simple fell from 96.7% to 50.0%"),
        (
            "same",
            ["--max-drop", "2pp", "--require-power", "5pp"],
            3,
            "Gate inconclusive, neither passed nor failed: over 30",
        ),
        ("much", ["--max-drop", "2pp", "--require-power", "5pp"], 1, "Not decided: over 30 shared cases"),
        ("much", [], 1, "no drop is tolerated"),
        ("same", [], 0, "no drop is tolerated"),
        ("much", ["--by", "tag", "--require-power", "60pp"], 1, "no drop is tolerated"),
    ],
)
def test_against_a_baseline(  # noqa: PLR0913, PLR0917 -- a gate, and what comes of it
    command: Command, nights: None, against: str, new: str, flags: list[str], code: int, words: str
) -> None:
    """A run's folder and the file kept of it decide the same."""
    assert command("baseline", "set", "base").out == "30 cases of base kept in baseline.json\n"
    said = command("gate", new, "--baseline", against, *flags)
    assert said.code == code
    assert words in said.out
    assert said.out.count("\n") == 1
    assert said.err == ""


def test_thresholds_of_the_run_alone_need_no_baseline(command: Command, nights: None) -> None:
    """Accuracy; and with no threshold there is nothing to pass."""
    assert command("gate", "much", "--min-accuracy", "50%").code == 0
    said = command("gate", "much", "--min-accuracy", "51%")
    assert said.code == 1
    assert said.out == "Gate FAILED: accuracy 50.0% (15 of 30), at least 51.0% is wanted.\n"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "nothing to check: set a threshold (--min-accuracy 90%"),
        (["--golden", "gold"], "nothing to check"),
        (["--max-drop", "2pp"], "held against a baseline: give one (--baseline RUN|FILE"),
        (["--require-power", "2pp"], "held against a baseline"),
        (["--by", "tag", "--min-accuracy", "50%"], "held to gate.max_drop"),
        (["--max-drop", "2"], "write 2pp, 2% or 0.02"),
        (["--baseline", "none", "--max-drop", "2pp"], "none: no run there"),
        (["--baseline", "base-answers.jsonl", "--max-drop", "2pp"], "neither a run's folder nor a baseline file"),
        (["--config", "none.toml"], "no such config file"),
        (["--by", "turn"], "--by"),
    ],
)
def test_gate_that_can_decide_nothing_is_a_usage_error(
    command: Command, nights: None, flags: list[str], words: str
) -> None:
    """Exit code 2, and what to add."""
    said = command("gate", "same", *flags)
    assert said.code == 2
    assert words in said.err
    assert said.out == ""


def test_baseline_knows_no_tools(command: Command, nights: None) -> None:
    """It keeps outcomes; groups of calls need the run."""
    command("baseline", "set", "base", "-o", "b.json")
    said = command("gate", "same", "--baseline", "b.json", "--max-drop", "2pp", "--by", "tool")
    assert said.code == 2
    assert "b.json is a baseline, which keeps outcomes only: name the run itself" in said.err
    assert command("compare", "b.json", "same", "--by", "argument").code == 2
    assert command("gate", "same", "--baseline", "base", "--max-drop", "2pp", "--by", "tool").code == 0
    assert command("compare", "b.json", "same").code == 0


def test_golden_cases_and_flaky_ones(command: Command, make: Make) -> None:
    """One golden failure fails the run; one that is known to waver does not."""
    golden = [case(1, tags=["golden"]), case(2, tags=["key"]), case(3)]
    make("run", golden, [1, 2])
    said = command("gate", "run")
    assert (said.code, said.out) == (1, "Gate FAILED: 1 of 1 golden cases fail: order-1.\n")
    assert command("gate", "run", "--flaky", "order-1", "--min-accuracy", "50%").code == 0
    assert "order-2" in command("gate", "run", "--golden", "key").out


def test_config_and_flags_over_it(command: Command, nights: None, tmp_path: Path) -> None:
    """`[gate]` of a config, its baseline beside it; slices by name."""
    config = tmp_path / "suite" / "nightly.toml"
    config.parent.mkdir()
    command("baseline", "set", "base", "-o", config.parent / "kept.json")
    config.write_text(
        '[gate]\nbaseline = "kept.json"\nmax_drop = 0.5\n[gate.slices."category=simple"]\nmax_drop = 0.3\n',
        encoding="utf-8",
    )
    said = command("gate", "much", "--config", config)
    assert said.code == 1
    assert said.out.startswith("Gate FAILED: accuracy of category=simple fell from 96.7% to 50.0%")
    assert "In order: accuracy fell from 96.7% to 50.0%" in said.out
    assert command("gate", "much", "--config", config, "--alpha", "0.000001").code == 0
    config.write_text('[gate.slices."tool=x"]\nmax_drop = 0.3\n[gate.slices."tag=y"]\n', encoding="utf-8")
    said = command("gate", "much", "--config", config, "--baseline", "base")
    assert said.code == 2
    assert "gate.slices.tool=x: name a group as category=NAME or tag=NAME" in said.err
    assert "gate.slices.tag=y: neither min_accuracy nor max_drop is set" in said.err


def test_json_says_the_same(command: Command, nights: None) -> None:
    """For machines: the verdict, each check, and the comparison in numbers."""
    said = command("gate", "much", "--baseline", "base", "--max-drop", "2pp", "--json")
    told: dict[str, Any] = json.loads(said.out)
    assert said.code == told["exit_code"] == 1
    assert (told["format_version"], told["verdict"]) == (1, "failed")
    (variant,) = told["variants"]
    assert [(check["name"], check["verdict"]) for check in variant["checks"]] == [("max_drop", "failed")]
    overall = variant["comparison"]["overall"]
    assert (overall["cases"], overall["worse"], overall["better"]) == (30, 14, 0)
    assert overall["p_drop"] == pytest.approx(0.5**14)
    assert len(variant["comparison"]["worse"]) == 14


def test_nothing_in_common_is_inconclusive(command: Command, make: Make) -> None:
    """Another dataset is neither a drop nor a pass."""
    make("base", cases_of(2))
    make("new", [case(8), case(9)])
    said = command("gate", "new", "--baseline", "base", "--max-drop", "2pp")
    assert said.code == 3
    assert "no case was measured both in this run and in the baseline" in said.out
    assert "Cases not compared: 2 new, 2 removed." in said.out
    assert said.err.startswith("Warning: dataset differs")


def test_baseline_is_made_of_scored_runs_only(command: Command, make: Make, tmp_path: Path) -> None:
    """Not of another baseline, nor where nothing was measured; the same run makes the same file."""
    run = make("base", cases_of(2))
    command("baseline", "set", "base", "-o", "one.json")
    command("baseline", "set", "base", "-o", "two.json")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert "is a baseline already" in command("baseline", "set", "one.json").err
    (run / "scores.parquet").unlink()
    said = command("baseline", "set", "base")
    assert said.code == 2
    assert "is not scored yet" in said.err
    (tmp_path / "none.jsonl").write_text("", encoding="utf-8")
    command("score", "--dataset", "base-cases.jsonl", "--predictions", "none.jsonl", "--out", "empty")
    assert "nothing of it was measured" in command("baseline", "set", "empty").err


def test_variants_are_gated_each(command: Command, tmp_path: Path, make: Make) -> None:
    """The worst verdict is that of the command; each variant has its sentence."""
    make("base", cases_of(20))
    rows = []
    for variant in ("plain", "polite"):
        for number in range(1, 21):
            order = "order_0" if variant == "polite" and number > 5 else f"order_{number}"
            calls = [{"name": "get_delivery_date", "arguments": json.dumps({"order_id": order})}]
            rows.append({"case_id": f"order-{number}", "variant": variant, "tool_calls": calls})
    (tmp_path / "two.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert command("score", "--dataset", "base-cases.jsonl", "--predictions", "two.jsonl", "--out", "two").code == 0
    said = command("gate", "two", "--baseline", "base", "--max-drop", "2pp")
    assert said.code == 1
    assert said.out.startswith("Gate FAILED: two#polite: accuracy fell from 100.0% to 25.0%")
    assert "two#plain: accuracy stayed at 100.0%" in said.out
    assert command("gate", "two#plain", "--baseline", "base", "--max-drop", "2pp").code == 0


def test_baseline_of_a_runs_own_gate_is_looked_for_before_anything_is_sent(
    command: Command, tmp_path: Path, make: Make
) -> None:
    """One that is not there is a mistake, not the end of a paid night; `latest` is the run before, not this one."""
    make("base", cases_of(3))
    endpoint = '[endpoint]\nbase_url = "embedded:mock"\nmodel = "m"\noptions = { mistakes = { wrong_value = 1 } }\n'
    config = tmp_path / "night.toml"
    text = (
        f'[dataset]\npath = "base-cases.jsonl"\n{endpoint}[report]\ndir = "."\n[gate]\nalpha = 0.2\nbaseline = "NAME"\n'
    )
    config.write_text(text.replace("NAME", "none.json"), encoding="utf-8")
    said = command("run", config, "--out", "night", "-q")
    assert said.code == 2
    assert "none.json: no run there" in said.err
    assert not (tmp_path / "night").exists()
    (tmp_path / "latest").write_text("base\n", encoding="utf-8")
    config.write_text(text.replace("NAME", "latest"), encoding="utf-8")
    said = command("run", config, "--out", "night", "-q")
    assert said.code == 1
    assert "accuracy fell from 100.0% to 0.0% over 3 shared cases" in said.out
