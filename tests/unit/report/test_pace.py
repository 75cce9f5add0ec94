"""The chapters on latency, and on pace and cost."""

from __future__ import annotations

from fceval.records import Attempt, Key, Response, Usage
from fceval.report.document import Section, Table
from fceval.report.numbers import Numbers
from fceval.report.pace import latency_section, pace_section
from fceval.rows import MetricRow, Score
from fceval.stats.latencies import latency_bins
from fceval.stats.metrics import measure
from fceval.stats.pace import Sent
from tests.golden.rows import score, tables

NO_BINS = latency_bins(tables([]).scores)


def _pace(rpm: float | None = None, count: int = 3) -> list[MetricRow]:
    """Return the pace of a request every two minutes."""
    sent = Sent("2026-11-23T02:00:00Z")
    for number in range(count):
        waited = {"rpm": 120.0} if number else {}
        attempt = Attempt(f"2026-11-23T02:{2 * number:02}:00Z", 0.5, None, 200, None, waited_s=waited)
        sent.note(Response(Key("case-1", "default", 0, 0, 0), "", None, None, Usage(), None, (), (attempt,)))
    return sent.rows(rpm, None, 0)


def _numbers(*scores: Score, pace: list[MetricRow] | None = None) -> Numbers:
    of = tables(scores)
    return Numbers(measure(of.scores, of.calls, of.arguments, pace=pace or []))


def _tables(numbers: Numbers) -> dict[str, Table]:
    section = pace_section(numbers)
    assert section is not None
    return {table.title: table for table in section.tables}


def _column(table: Table, label: str) -> list[object]:
    at = [column.label for column in table.columns].index(label)
    return [row[at] for row in table.rows]


def test_partly_known_cost_says_of_how_many() -> None:
    """A sum over some responses is not passed off as one over all."""
    spent = _tables(_numbers(score("a", cost_usd=0.5, prompt_tokens=1), score("b", prompt_tokens=1)))["Tokens and cost"]
    assert spent.note == "Cost known for 1 of 2 responses."


def test_unknown_cost_is_unknown() -> None:
    """Never 0."""
    spent = _tables(_numbers(score("a"), pace=_pace()))["Tokens and cost"]
    assert _column(spent, "Cost") == [None]
    assert spent.note == "Cost unknown. Tokens unknown."


def test_low_rates_keep_their_fractions() -> None:
    """Half a request a minute would round to none; without a limit there is none."""
    rates = _tables(_numbers(score("a"), pace=_pace(rpm=0.5)))["Requests"]
    assert _column(rates, "Requested a minute") == _column(rates, "Achieved a minute") == ["0.5"]
    assert _column(rates, "Requested tokens a minute") == ["no limit"]


def test_parts_of_the_sending_time_make_up_the_whole() -> None:
    """Four minutes of six were held up by the rate."""
    waiting = _tables(_numbers(score("a"), pace=_pace(rpm=0.5)))["Where the sending time went"]
    assert _column(waiting, "Time") == [0, 240, 0, 120]
    assert sum(share for share in _column(waiting, "Share") if isinstance(share, float)) == 1


def test_several_variants_are_added_up() -> None:
    """Their pace is shared; tokens and cost stand beside each other and in sum."""
    numbers = _numbers(
        score("a", cost_usd=0.5), score("a", variant="terse", cost_usd=0.25), score("b", variant="terse"), pace=_pace()
    )
    spent = _tables(numbers)["Tokens and cost"]
    assert _column(spent, "Variant") == ["default", "terse", "all of them"]
    assert _column(spent, "Cost") == [0.5, 0.25, 0.75]
    assert spent.note == "Cost known for 2 of 3 responses. Tokens unknown."


def test_lent_answers_are_told() -> None:
    """They were not sent, and not paid for again."""
    sent = Sent("2026-11-23T02:00:00Z")
    for moment in ("2026-11-23T01:00:00Z", "2026-11-23T02:00:00Z"):
        attempt = Attempt(moment, 0.5, None, 200, None)
        sent.note(Response(Key("case-1", "default", 0, 0, 0), "", None, None, Usage(), None, (), (attempt,)))
    found = _tables(_numbers(score("a", cost_usd=1, prompt_tokens=1), score("b"), pace=sent.rows(None, None, 0)))
    assert _column(found["Attempts"], "Lent by other runs") == [1]
    assert found["Tokens and cost"].note.endswith("1 response in them was paid for by other runs.")


def test_predictions_made_elsewhere_have_neither_chapter() -> None:
    """No endpoint was asked."""
    numbers = _numbers(score("a", attempts=0))
    assert latency_section(numbers, NO_BINS) is pace_section(numbers) is None


def test_first_tokens_are_told_where_answers_were_streamed() -> None:
    """Whole answers have none."""

    def labels(section: Section | None) -> list[str]:
        assert section is not None
        return [column.label for column in section.tables[0].columns]

    whole, streamed = (_numbers(score("a", latency_s=1, ttft_s=ttft_s)) for ttft_s in (None, 0.1))
    assert labels(latency_section(whole, NO_BINS)) == ["Whole p50", "Whole p90", "Whole p99"]
    assert "First token p50" in labels(latency_section(streamed, NO_BINS))


def test_late_event_loop_makes_latencies_suspect() -> None:
    """Both chapters say so from 20 ms on, and the lag is printed in any case; a run without looks has no column."""
    for late_ms, is_suspect in ((20, False), (21, True)):
        sent = Sent()
        attempt = Attempt("2026-11-23T02:00:00Z", 0.5, None, 200, None)
        sent.note(Response(Key("case-1", "default", 0, 0, 0), "", None, None, Usage(), None, (), (attempt,)))
        numbers = _numbers(score("a"), pace=sent.rows(None, None, 0, {0: 98, late_ms: 2}))
        rates, latency = _tables(numbers)["Requests"], latency_section(numbers, NO_BINS)
        assert latency is not None
        assert _column(rates, "Event-loop lag p99") == [late_ms / 1000]
        assert ("suspect" in rates.note, "Suspect" in latency.tables[0].note) == (is_suspect, is_suspect)
    assert "Event-loop lag p99" not in {
        each.label for each in _tables(_numbers(score("a"), pace=_pace()))["Requests"].columns
    }
