"""A run that lacks a few of its answers: `python -m tests.benchmarks.answered FOLDER CASES URL LACKING`.

It is laid down as `fceval run` does, and its journal holds what would have been answered, but for the last ones. An
empty URL asks for a run that nothing goes on with.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from fceval.cases.read import read_cases
from fceval.config import load_config
from fceval.dialogue import next_request
from fceval.journal import Journal
from fceval.opening import begun
from fceval.records import Attempt, JsonObject, Request, Response, Usage
from fceval.runs import Run, dialogues_of
from tests.benchmarks.workload import ANSWER, MODEL, TOOL

_MESSAGE: JsonObject = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": ANSWER}}],
}


def _requests(run: Run) -> Iterator[Request]:
    for dialogue in dialogues_of(read_cases(run.cases), run.config):
        request = next_request(dialogue, ())
        assert request is not None
        yield request


def _response(request: Request, url: str) -> Response:
    fingerprint = request.fingerprint(url)
    attempt = Attempt("2026-05-01T12:00:00.000+00:00", 0.25, None, 200, None)
    return Response(request.key, fingerprint, _MESSAGE, "tool_calls", Usage(300, 30), MODEL, (), (attempt,))


def write_run(folder: Path, cases: Path, url: str, lacking: int) -> None:
    """Write a run into a new folder.

    Args:
        folder: Of the run.
        cases: Its dataset.
        url: Of the endpoint that it goes on with.
        lacking: How many of its last answers it lacks.
    """
    settings = [("dataset.path", str(cases)), ("endpoint.base_url", url), ("endpoint.model", MODEL)]
    run = begun(load_config(None, settings), folder)
    requests = _requests(run)
    held_back = deque(islice(requests, lacking))
    with Journal(run.journal) as journal:
        for request in requests:
            held_back.append(request)
            response = _response(held_back.popleft(), url)
            journal.begin([(response.key, response.fingerprint)])
            journal.append(response)


if __name__ == "__main__":
    to, dataset, asked, missing = sys.argv[1:]
    write_run(Path(to), Path(dataset), asked or "http://127.0.0.1:9/v1", int(missing))
