"""promptfoo's tests as JSON: a configuration, an export or output of an evaluation, or a bare list of tests.

What is expected of the calls comes from these assertions, all of a test's together:

* `tool-call-f1` with a threshold of 1 (the default): exactly these tools, once each, with any arguments;
* `trajectory:tool-sequence`, mode `exact`: exactly these tools, in this order, with any arguments;
* `trajectory:tool-args-match`: one call with these arguments; mode `partial` (the default): with any others too;
* `is-valid-openai-tools-call`: some call, where nothing above says which; whether it fits is reported beside.

Every other assertion is listed, and so is a test that has none of these, or whose prompt or tools stand in another
file, or are made by code. Prompts are filled with the test's variables; a prompt that is a JSON list is a list of
messages, any other is one user message. YAML is not read: `promptfoo export` and `-o out.json` write JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fceval.cases.importers import Imported, Importer, Item, Skipped
from fceval.cases.importers._openai_rows import Inexpressible, category_of, check_offered
from fceval.cases.importers._promptfoo_asserts import EXPRESSIBLE, expectation_of
from fceval.cases.importers._promptfoo_prompts import filled_messages, filled_value, inline_tools, prompt_text
from fceval.errors import DatasetError
from fceval.jsontext import JsonTextError, read_json
from fceval.records import Json

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Suite:
    """What the tests of a file share."""

    prompts: Sequence[Any]
    providers: Sequence[Any]
    defaults: Object
    tests: Sequence[Any]


class Promptfoo:
    """Reads tests with tools and assertions on tool calls."""

    def read(self, source: Path) -> Iterator[Item]:
        """Yield the cases test by test, each with its prompts, and what of a test could not be expressed."""
        suite = _suite(source)
        for number, test in enumerate(suite.tests, start=1):
            if not isinstance(test, dict):
                yield Skipped(str(source), number, f"the test is no object: {str(test)[:80]}")
                continue
            try:
                cases, left_out = _cases(suite, test, number)
            except Inexpressible as why:
                yield Skipped(str(source), number, str(why))
                continue
            yield from (Imported(str(source), number, case) for case in cases)
            yield from (Skipped(str(source), number, f"imported without: {why}") for why in left_out)


def _suite(source: Path) -> _Suite:
    try:
        value: Any = read_json(source.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"cannot be read: {error.strerror or error}"
        raise DatasetError(msg, file=str(source)) from None
    except (UnicodeDecodeError, JsonTextError) as error:
        msg = f"{error}; promptfoo's YAML is not read: give its JSON (`promptfoo eval -o out.json`)"
        raise DatasetError(msg, file=str(source)) from None
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        value = value["config"]
    if isinstance(value, list):
        value = {"tests": value}
    if not isinstance(value, dict) or not isinstance(value.get("tests"), list):
        msg = "no list of `tests` in it: give a promptfoo configuration or an exported evaluation, as JSON"
        raise DatasetError(msg, file=str(source), field="tests")
    defaults = value.get("defaultTest")
    return _Suite(
        prompts=_listed(value.get("prompts")),
        providers=_listed(value.get("providers", value.get("targets"))),
        defaults=defaults if isinstance(defaults, dict) else {},
        tests=value["tests"],
    )


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 -- any JSON value: one, several or none
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _cases(suite: _Suite, test: Object, number: int) -> tuple[list[dict[str, Json]], tuple[str, ...]]:
    """Return a case per prompt, and the assertions that are not in them."""
    tools, tool_choice = inline_tools([test.get("options"), suite.defaults.get("options"), *suite.providers])
    variables = _variables(suite.defaults) | _variables(test)
    assertions = [
        filled_value(each, variables) if isinstance(each, dict) and each.get("type") in EXPRESSIBLE else each
        for each in (*_listed(suite.defaults.get("assert")), *_listed(test.get("assert")))
    ]
    expectation = expectation_of(assertions, tools)
    if expectation.calls is not None:
        check_offered(expectation.calls, tools)
    prompts = [prompt_text(prompt) for prompt in suite.prompts] or ["{{prompt}}"]
    cases: list[dict[str, Json]] = []
    for position, prompt in enumerate(prompts, start=1):
        calls: Json = "any" if expectation.calls is None else list(expectation.calls)
        case: dict[str, Json] = {
            "case_id": f"test-{number}" + (f"-prompt-{position}" if len(prompts) > 1 else ""),
            "category": category_of(expectation.calls, tools),
            "messages": filled_messages(prompt, variables),
            "tools": tools,
            "expected": calls,
        }
        if tool_choice is not None:
            case["tool_choice"] = tool_choice
        if expectation.ordered:
            case["order"] = "strict"
        if expectation.others_allowed:
            case["extra_calls"] = "allow"
        case["source"] = {"dataset": "promptfoo", "test": number, "description": test.get("description")}
        cases.append(case)
    return cases, expectation.left_out


def _variables(test: Object) -> dict[str, Any]:
    variables = test.get("vars") or {}
    if not isinstance(variables, dict):
        msg = f"the variables stand elsewhere: {str(variables)[:80]}"
        raise Inexpressible(msg)
    return variables


PLUGIN: Importer = Promptfoo()
