"""fceval: how well does an endpoint call functions? A number you can act on.

::

    datasets/x.parquet
       | 1 read      cases/       rows -> Case
       | 2 speak     dialects/    Case -> request body      message -> calls            (pure, both ways)
       |             dialogue.py  which request comes next, given the answers so far    (pure)
       | 3 ask       client/      one Request -> Response (pace, attempts)    engines/  many of them
       |             journal.py   every Response to disk at once: resume, audit
       | 4 judge     scoring/     Response -> facts (calls, arguments) -> scores        (pure)
       | 5 count     stats/       scores -> metrics and intervals                       (pure)
       v 6 tell      report/      tables -> Report -> html, md, json                    (pure)
    reports/<run>/

Data goes down this page and never back up: a re-score starts at 4 from the journal, a re-report at 6. Only
`client`, `engines`, `endpoints`, `journal`, `cases.read`, `cases.write`, `tables`, `pipeline` and `cli` touch the
world. What the model gets wrong is a row, what the endpoint gets wrong is a row of another kind, what the user gets
wrong is an `FcevalError`, and what we get wrong is a traceback.
"""

from __future__ import annotations

__version__ = "0.1.0"
