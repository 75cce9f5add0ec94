"""The neutral report: what is to be told, in order, without any format.

Whatever makes a report (one run, a comparison, a history) makes these records, and every exporter takes them as
they are. Exporters choose layout and wording of values, and compute nothing.
Text that came from a dataset or a model stands here verbatim; making it harmless is the exporter's job, because
what is harmless depends on the format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

FORMAT_VERSION = 1
"""Of the neutral report as JSON. Within a version a field keeps its name and meaning; fields may be added."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share in [0, 1], or the difference of two, with its interval; of 95% where nothing else is said."""

    value: float
    low: float
    high: float


Cell: TypeAlias = str | int | float | Estimate | None
"""One value of a table; None: not known."""

Kind: TypeAlias = Literal["text", "name", "count", "rate", "points", "change", "p", "seconds", "tokens", "usd"]
"""How a value is to be read: `text` is prose of ours, `name` foreign (a tool, a case), `rate` a share in [0, 1],
`points` the difference of two shares, `change` by how much of itself an amount rose, `p` a p-value."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number worth standing alone."""

    label: str
    value: Cell
    kind: Kind
    note: str = ""
    """What else a reader must know to read it right."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under named columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    note: str = ""
    """What else a reader must know: how it was counted, what was left out."""


ChartKind: TypeAlias = Literal["intervals", "bars", "grid", "histogram", "changes", "trend"]
"""How a chart's rows are drawn, by what their cells are:

- `intervals`: name, `Estimate`; a share with its interval each.
- `bars`: name, count.
- `grid`: name, then a count per further column.
- `histogram`: lower end, upper end, count; what is counted lies between the ends.
- `changes`: name, share before, share now, and the interval of now, given before: its lower and its upper end.
- `trend`: label of the place in time, value or `Estimate`, and whether the series is another from there on (0 or 1).
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value that a histogram points out."""

    label: str
    value: float
    """In the unit of the chart's first column."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a picture shows: its data, and how they are to be read."""

    kind: ChartKind
    title: str
    text: str
    """What it shows and how to read it, for those who see it and those who do not."""
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """At least one."""
    marks: tuple[Mark, ...] = ()
    in_tables: bool = True
    """Whether tables of the report tell the same; where not, who shows the chart shows its rows, too."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: str
    text: str
    """The content; as JSON text where it is more than a text."""


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """One tool that the model could call."""

    name: str
    description: str
    parameters: str
    """JSON Schema of its arguments as JSON text; empty where it has none."""


@dataclass(frozen=True, slots=True)
class ComparedArgument:
    """One argument of a pair of calls."""

    argument: str
    path: str
    """JSON path of the first difference, or of the argument."""
    fault: str | None
    """None where it passed."""
    rule: str | None
    """What a pass needed."""
    expected: str | None
    """JSON text; None for an unexpected argument."""
    predicted: str | None
    """JSON text; None for a missing argument."""


@dataclass(frozen=True, slots=True)
class ComparedCall:
    """An expected and a predicted call side by side; one of them may be missing."""

    expected_tool: str | None
    predicted_tool: str | None
    fault: str | None
    """None where the call passed."""
    ignored: bool
    """An extra call that the case allows."""
    expected_arguments: str | None
    """JSON text."""
    predicted_arguments: str | None
    """Verbatim."""
    arguments: tuple[ComparedArgument, ...]
    """Empty unless both name the same tool."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One HTTP attempt."""

    started_at: str
    """UTC, ISO 8601."""
    latency_s: float
    ttft_s: float | None
    """To the first streamed token; None where nothing was streamed."""
    status: int | None
    """HTTP status; None where no answer came."""
    failure: str | None
    """Why there is no answer of the model; None where there is one."""
    detail: str
    """For a person: what went wrong; empty where nothing did."""


@dataclass(frozen=True, slots=True)
class Example:
    """One response to one case, from question to verdict."""

    case_id: str
    variant: str
    trial: int
    turn: int
    category: str
    tags: tuple[str, ...]
    outcome: str
    measured: bool
    wanted: str
    """`calls`, `none` or `any`."""
    messages: tuple[Message, ...]
    """The conversation up to and with this turn, as the dataset has it."""
    tools: tuple[OfferedTool, ...]
    calls: tuple[ComparedCall, ...]
    answer: str | None
    """What the model answered, verbatim, as JSON text; None where there is no answer."""
    finish_reason: str | None
    failure_detail: str | None
    """For a person: what went wrong on the wire, or why an attempted call is unusable."""
    alternative: int = 0
    """Which of the expected call lists the answer was held against, from 0: the one that it fits best."""
    alternatives: int = 1
    """How many there are."""
    irregularities: tuple[str, ...] = ()
    """Codes of `fceval.irregularities`: how the endpoint's answer was off the contract."""
    repairs: tuple[str, ...] = ()
    """Those of them, or of the answer's other flaws, that repair would undo, or did."""
    passed_repaired: bool | None = None
    """Whether the answer passes with them undone; None where it was not measured."""
    attempts: tuple[Tried, ...] = ()
    """In order of time; empty where nothing was sent."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A case whose result is another in a second run: both answers to it, side by side."""

    case_id: str
    """In the new run."""
    base_name: str
    """What the base is called."""
    new_name: str
    base_share: float
    """Share of its measured responses that passed in the base."""
    new_share: float
    base: Example | None
    """The answer that shows it; None where the run keeps none."""
    new: Example | None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One response in the list of cases: the verdict, what it took, and why it failed, without the conversation.

    The names are those of `scores.parquet` where they mean the same.
    """

    case_id: str
    variant: str
    trial: int
    turn: int
    category: str
    tags: tuple[str, ...]
    outcome: str
    measured: bool
    passed: bool | None
    """None where not measured, as for `passed_strict`."""
    passed_strict: bool | None
    latency_s: float | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    """None where the price or the tokens are not known."""
    attempts: int
    irregularities: tuple[str, ...]
    """Codes of `fceval.irregularities`."""
    detail: str
    """What the outcome rests on, for a person, a phrase that goes after it; empty where it passed."""
    expected: tuple[str, ...]
    """The calls of a failure, each as JSON text `{"name", "arguments"}`; empty where it passed. Arguments that are no
    JSON, or longer than a list can bear, are the text of them, in quotes."""
    predicted: tuple[str, ...]
    """Likewise what the model called."""
    tools: tuple[str, ...] = ()
    """Names of the tools that were expected or called, sorted."""


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter: any of prose, charts, tables, examples and pairs."""

    key: str
    """Stable name, for links and for exporters that pick; lower case with hyphens."""
    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    examples: tuple[Example, ...] = ()
    charts: tuple[Chart, ...] = ()
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is to tell."""

    title: str
    headline: str
    """The finding, in words that need no explanation."""
    complete: bool
    """Whether everything planned was measured; where not, the headline says so first."""
    meta: tuple[tuple[str, str], ...]
    """What was run, as label and value."""
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    cases: tuple[CaseLine, ...] = ()
    """The responses, in the order of the run; empty where a report is not about single ones."""
    cases_note: str = ""
    """What is not in `cases`, where it was cut."""
    examples: tuple[Example, ...] = ()
    """Responses in full beyond those of the sections, for a list of cases that opens: further failures, then passes."""
