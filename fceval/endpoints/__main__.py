"""The process of an embedded endpoint: one JSON line in, one JSON line out, then serve until told to stop.

In: `{"name", "options", "dataset"}`. Out: `{"base_url", "api_key"}`, or `{"error", "exit_code"}`. Settings and key
travel through pipes because arguments are visible to every user of the machine.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from fceval import endpoints
from fceval.endpoints import Address
from fceval.errors import FcevalError

_GRACE_S = 3.0
"""How long the endpoint may take to close once its parent is gone."""


def main() -> int:
    """Serve what standard input asks for; return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Until the endpoint has its own way to end: an exception, so that a download in progress is tidied up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    answers = _own_stdout()
    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def ready(address: Address) -> None:
        _say(answers, {"base_url": address.base_url, "api_key": address.api_key})

    try:
        dataset = Path(request["dataset"]) if request["dataset"] else None
        options = endpoints.settings(request["name"], request["options"], dataset=dataset)
        endpoints.load(request["name"]).serve(options, 0, endpoints.new_api_key(), ready)
    except FcevalError as error:
        _say(answers, {"error": str(error), "exit_code": int(error.exit_code)})
        return int(error.exit_code)
    return 0


def _own_stdout() -> TextIO:
    """Return the pipe to the parent, and send whatever else is printed, by native code too, to standard error."""
    pipe = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return pipe


def _say(answers: TextIO, answer: dict[str, str | int]) -> None:
    if not answers.closed:
        answers.write(json.dumps(answer) + "\n")
        answers.close()


def _end_with_parent() -> None:
    """Wait until the parent closes its end of standard input, by intent or by dying; then end this process."""
    # The descriptor itself: a thread that blocks in `sys.stdin` would hold its lock while the interpreter shuts down.
    while os.read(sys.__stdin__.fileno() if sys.__stdin__ else 0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
