"""fceval: how well does an endpoint call functions? A number you can act on.

::

    datasets/x.parquet
       | 1 read      cases/       rows -> Case
       | 2 speak     dialects/    Case -> request body      message -> calls            (pure, both ways)
       |             dialogue.py  which request comes next, given the answers so far    (pure)
       | 3 ask       client/      one Request -> Response (pace, attempts)    engines/  many of them
       |             journal/     every Response to disk at once: resume, audit, reuse
       | 4 judge     scoring/     Response -> facts (calls, arguments) -> scores        (pure)
       | 5 count     stats/       scores -> metrics and intervals                       (pure)
       v 6 tell      report/      tables -> Report -> html, md, json                    (pure)
    reports/<run>/

    around 3    opening (how a run begins or goes on), reaching (how an endpoint is reached), asking; probing (3
                without a dataset), planning (3 without sending), budget and prices (what it may cost)
    around 4    judging, spreading (over processes); flaws (what repair can undo), irregularities (every way off
                the contract, by code)
    beside it   comparing/ (runs beside runs), config (settings), runs (a run's folder), redacting (what was said,
                out of it), records and rows (what flows)
    pipeline.py strings the stages together, a function per command of cli/

Data goes down this page and never back up: a re-score starts at 4 from the journal, a re-report at 6. What the model
gets wrong is a row, what the endpoint gets wrong is a row of another kind, what the user gets wrong is an
`FcevalError`, and what we get wrong is a traceback. Which modules touch the world is said in `CONTRIBUTING.md`.
"""

from __future__ import annotations

__version__ = "0.1.0"
