"""BFCL's own verdict and error type on an answer, bit for bit: its rules, not ours.

The Berkeley Function Calling Leaderboard v4 (`bfcl_eval` 2026.3.23), its single-turn categories, tool calls by the
Chat Completions contract. Where its checker would crash and abort the whole evaluation, the verdict here is
"invalid" with the error type `WOULD_CRASH`.

::

    question.py   what BFCL's rules need of a case     calls.py        one call against one expected call
    answers.py    message -> calls, as it decodes it   values.py       types and values of one argument
    verdict.py    question, message -> verdict         java.py         Java text -> value
    outcome.py    verdict -> outcome of fceval         javascript.py   JavaScript text -> value
"""
