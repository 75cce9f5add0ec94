"""How fast fceval is and how much memory it takes, against the least that could do: `python -m tests.benchmarks`.

::

    __main__.py          the command: which benchmarks, how large; a table, and JSON
    measuring.py         processes measured from outside, pairs of them in turn, figures
    workload.py          cases, and answers to them, as files
    with_endpoint.py     client, pace, resume
    without_endpoint.py  scoring, report, compare, read, memory, startup
    endpoint.py          an endpoint in a process of its own that answers from memory
    bare_loop.py         yardstick: sends the same requests with nothing but aiohttp
    bare_reading.py      yardstick: reads the same files with nothing but json and pyarrow
    reading.py           reads a dataset as fceval does, and no more
    asking.py            asks as fceval does, at a pace, and no more
    lateness.py          how late an event loop wakes up
    answered.py          a run that has nearly all of its answers

Nothing here passes or fails: machines differ, and so do their moods. Each figure is made of medians of a subject and
a yardstick that ran in turn, so that what slows one down slows down the other.
"""
