"""Two runs to be told of: one with every kind of trouble in it, one of two variants in three trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from fceval.records import Attempt, Case, ExpectedCall, JsonObject, Key, Response, Tool, Turn, Usage
from fceval.report.document import Report
from fceval.report.summary import summarise
from fceval.stats.metrics import measure
from fceval.stats.pace import Sent
from tests.golden.rows import Tables, argument, call, score, tables

HOSTILE = (
    '</pre></script><script>alert(1)</script><img src=x onerror="alert(2)">{{ 7 * 7 }}<!-- '
    "\x1b[2J\x9b31m\x07 \u202egnp.exe\u2066 zero\u200bwidth | `ticks` ```fence``` [link](javascript:alert(3)) "
    "http://example.invalid/x www.example.invalid @someone [/red]"
)
"""Text of a model or a dataset that would do harm in a page, a terminal or a Markdown viewer."""

NOT_UTF8 = "\ud800"
"""What a message may hold as a JSON escape, and no table and no file can."""

META = {
    "name": "support nightly",
    "model": "qwen-测试",
    "base_url": "https://relay.example/v1",
    "started_at": "2026-11-23T02:00:00Z",
    "dataset": "datasets/support.jsonl (sha256 2f7a…)",
    "fceval": "0.1.0",
}


@dataclass(frozen=True)
class Run:
    """What `summarise` takes."""

    meta: dict[str, str]
    tables: Tables
    cases: dict[str, Case]
    responses: dict[Key, Response]
    rpm: float | None = None
    sent: tuple[Attempt, ...] = ()
    """When the run's requests went out, in one attempt each."""
    unfinished: int = 0

    def metrics(self) -> pl.DataFrame:
        """Return its metrics."""
        pace = Sent()
        for attempt in self.sent:
            pace.note(_response("", None, attempt))
        of = self.tables
        return measure(of.scores, of.calls, of.arguments, pace=pace.rows(self.rpm, None, self.unfinished))

    def report(self, limit: int = 200) -> Report:
        """Return the report on the run."""
        of = self.tables
        metrics = self.metrics()
        return summarise(self.meta, metrics, of.scores, of.calls, of.arguments, self.cases, self.responses, limit=limit)


def _tool(name: str, description: str, **parameters: str) -> Tool:
    schema: JsonObject = {
        "type": "object",
        "properties": {argument_name: {"type": kind} for argument_name, kind in parameters.items()},
        "required": list(parameters),
    }
    return Tool(name, description, schema, None, {"type": "function", "function": {"name": name}})


_DELIVERY = _tool("get_delivery_date", "When an order arrives.", order_id="string")
_REFUND = _tool("issue_refund", "Pay an order back.", order_id="string", amount="number")
_WEATHER = _tool("查询天气", "查询某个城市的天气。", 城市="string", 单位="string")
_TOOLS = (_DELIVERY, _REFUND, _WEATHER)


def _case(case_id: str, said: str, category: str = "simple", *expected: ExpectedCall) -> Case:
    messages: tuple[JsonObject, ...] = (
        {"role": "system", "content": "You help customers.\nUse the tools."},
        {"role": "user", "content": said},
    )
    return Case(
        case_id=case_id,
        category=category,
        tools=_TOOLS,
        turns=(Turn(messages, (expected,)),),
        tool_choice=None,
        parallel_tool_calls=None,
        request={},
        order=None,
        extra_calls=None,
        tags=(),
        fields={},
        row=1,
    )


def _response(case_id: str, message: JsonObject | None, attempt: Attempt | None = None) -> Response:
    tried = attempt or Attempt("2026-11-23T02:00:00Z", 0.4, None, 200, None)
    return Response(Key(case_id, "default", 0, 0, 0), "f" * 64, message, None, Usage(), None, (), (tried,))


def _calling(*calls: tuple[str, str]) -> JsonObject:
    made: list[JsonObject] = [
        {"id": f"call_{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


def troubled_run() -> Run:
    """Return a run of twelve cases: one of each main outcome, Chinese text, hostile text, one case not measured."""
    order = ExpectedCall("get_delivery_date", {"order_id": "order_12345"})
    refund = ExpectedCall("issue_refund", {"order_id": "ORD-1", "amount": 12.5})
    weather = ExpectedCall("查询天气", {"城市": "北京", "单位": "摄氏度"})
    hostile = f"hostile {HOSTILE}"
    cases = [
        *(_case(f"passed-{number}", "Where is my order?", "simple", order) for number in range(5)),
        _case("refund-value", "Refund 12.50 of ORD-1.", "simple", refund),
        _case("天气-北京", "北京今天天气怎么样？", "simple", weather),
        _case("parallel-missing", "Where are order_12345 and ORD-2?", "parallel", order, order),
        _case("small-talk", "Thank you!", "irrelevance"),
        _case(hostile, f"{HOSTILE}{NOT_UTF8}\n```\n# no heading", f"odd {HOSTILE}", order),
        _case("wrong-tool", "Refund 12.50 of ORD-1.", "multiple", refund),
        _case("timed-out", "Where is my order?", "simple", order),
    ]
    scores = [
        *(score(f"passed-{number}", **_timed(number, ["en"])) for number in range(5)),
        score("refund-value", "wrong_value", **_timed(5, ["en", "amount"])),
        score("天气-北京", "missing_argument", **_timed(6, ["zh"])),
        score("parallel-missing", "missing_call", **_timed(7, ["en"], "parallel")),
        score("small-talk", "unexpected_call", wanted="none", **_timed(8, ["en"], "irrelevance")),
        score(
            hostile,
            "wrong_type",
            irregularities=["args_nested_string", f"foreign {HOSTILE}"],
            repairs=["args_nested_string"],
            passed_repaired=True,
            **_timed(9, [HOSTILE], f"odd {HOSTILE}"),
        ),
        score(
            "wrong-tool",
            "wrong_tool",
            irregularities=["finish_stop_with_calls", "usage_absent"],
            **_timed(10, ["en", "amount"], "multiple"),
        ),
        score(
            "timed-out",
            "timed_out",
            failure_detail=f"no answer within 60 s\n{HOSTILE}",
            attempts=3,
            retried_429=1,
            tags=["en"],
            irregularities=["sse_comment"],
        ),
    ]
    good: dict[str, Any] = {"tool": "get_delivery_date", "expected_arguments": '{"order_id": "order_12345"}'}
    bad: dict[str, Any] = {"selected": False, "arguments_ok": None, "strict_ok": None}
    failed: dict[str, Any] = {"arguments_ok": False, "strict_ok": False}
    calls = [
        *(call(f"passed-{n}", predicted_arguments='{"order_id":"order_12345"}', **good) for n in range(5)),
        call(
            "refund-value",
            "issue_refund",
            fault="wrong_value",
            expected_arguments='{"order_id": "ORD-1", "amount": 12.5}',
            predicted_arguments='{"order_id": "ord-1", "amount": 1250}',
            **failed,
        ),
        call(
            "天气-北京",
            "查询天气",
            fault="missing_argument",
            schema_valid=False,
            expected_arguments='{"城市": "北京", "单位": "摄氏度"}',
            predicted_arguments='{"城市": "北京"}',
            **failed,
        ),
        call("parallel-missing", category="parallel", predicted_arguments='{"order_id": "order_12345"}', **good),
        call(
            "parallel-missing",
            category="parallel",
            pair=1,
            expected_index=1,
            predicted_index=None,
            predicted_tool=None,
            fault="missing_call",
            schema_valid=None,
            predicted_arguments=None,
            **good,
            **bad,
        ),
        call(
            "small-talk",
            "get_delivery_date",
            category="irrelevance",
            expected_index=None,
            fault="unexpected_call",
            expected_arguments=None,
            predicted_arguments='{"order_id": ""}',
            **bad,
        ),
        call(
            hostile,
            category=f"odd {HOSTILE}",
            fault="wrong_type",
            predicted_arguments=f'{{"order_id": ["{HOSTILE}"]}}',
            **good,
            **failed,
        ),
        call(
            "wrong-tool",
            "issue_refund",
            category="multiple",
            predicted_tool="get_delivery_date",
            fault="wrong_tool",
            expected_arguments='{"order_id": "ORD-1", "amount": 12.5}',
            predicted_arguments='{"order_id": "ORD-1"}',
            **bad,
        ),
    ]
    of_order: dict[str, Any] = {"tool": "get_delivery_date", "expected": '"order_12345"'}
    arguments = [
        *(argument(f"passed-{n}", "order_id", predicted='"order_12345"', **of_order) for n in range(5)),
        argument(
            "refund-value", "order_id", tool="issue_refund", rule="normalized", expected='"ORD-1"', predicted='"ord-1"'
        ),
        argument(
            "refund-value",
            "amount",
            tool="issue_refund",
            fault="wrong_value",
            rule=None,
            expected="12.5",
            predicted="1250",
        ),
        argument("天气-北京", "城市", tool="查询天气", expected='"北京"', predicted='"北京"'),
        argument(
            "天气-北京",
            "单位",
            tool="查询天气",
            fault="missing_argument",
            rule=None,
            expected='"摄氏度"',
            predicted=None,
        ),
        argument("parallel-missing", "order_id", category="parallel", predicted='"order_12345"', **of_order),
        argument(
            hostile,
            "order_id",
            category=f"odd {HOSTILE}",
            fault="wrong_type",
            rule=None,
            predicted=f'["{HOSTILE}"]',
            **of_order,
        ),
    ]
    timeout = Attempt("2026-11-23T02:00:00Z", 60.0, None, None, "timed_out", "no answer within 60 s", broke_off=True)
    responses = [
        _response("refund-value", _calling(("issue_refund", '{"order_id": "ord-1", "amount": 1250}'))),
        _response("天气-北京", _calling(("查询天气", '{"城市": "北京"}'))),
        _response("parallel-missing", _calling(("get_delivery_date", '{"order_id": "order_12345"}'))),
        _response("small-talk", _calling(("get_delivery_date", '{"order_id": ""}'))),
        _response(
            hostile,
            {**_calling(("get_delivery_date", f'{{"order_id": ["{HOSTILE}"]}}')), "content": HOSTILE + NOT_UTF8},
        ),
        _response("wrong-tool", _calling(("get_delivery_date", '{"order_id": "ORD-1"}'))),
        _response("timed-out", None, timeout),
    ]
    return Run(
        META,
        tables(scores, calls, arguments),
        {case.case_id: case for case in cases},
        {response.key: response for response in responses},
        rpm=600,
        sent=(
            *(_sent(second, 200, {"rpm": 0.09}) for second in range(6)),
            _sent(6, 429),
            _sent(8, 200, {"pause": 1.9}),
            timeout._replace(started_at="2026-11-23T02:00:09Z"),
        ),
        unfinished=1,
    )


def _sent(second: int, status: int, waited_s: dict[str, float] | None = None) -> Attempt:
    attempt = Attempt(f"2026-11-23T02:00:{second:02}Z", 0.4, None, status, None, waited_s=waited_s or {})
    return attempt._replace(failure="rate_limited") if status == 429 else attempt


def _timed(number: int, tags: list[str], category: str = "simple") -> dict[str, Any]:
    return {
        "tags": tags,
        "category": category,
        "latency_s": 0.2 + 0.05 * number,
        "prompt_tokens": 120 + number,
        "completion_tokens": 20,
        "cost_usd": 0.00025,
        "finish_reason": "tool_calls",
    }


def variants_run() -> Run:
    """Return two variants on four cases in three trials, everything measured, cost unknown."""
    passes = {"terse": {"a": 3, "b": 2, "c": 0, "d": 3}, "polite": {"a": 3, "b": 3, "c": 1, "d": 3}}
    scores = [
        score(
            case_id,
            "passed" if trial < passed else "wrong_value",
            variant=variant,
            trial=trial,
            category="simple" if case_id in "ab" else "multiple",
            latency_s=0.5 + trial / 10,
            prompt_tokens=100,
            completion_tokens=10,
            ttft_s=0.1 + trial / 10,
            first_call_s=0.2 + trial / 10,
            irregularities=["usage_absent"] if variant == "terse" and trial else [],
        )
        for variant, of_case in passes.items()
        for case_id, passed in of_case.items()
        for trial in range(3)
    ]
    return Run(
        {"name": "two prompts", "model": "m"}, tables(scores), {}, {}, sent=tuple(_sent(n, 200) for n in range(24))
    )
