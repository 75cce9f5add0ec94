"""What `read` measures: `python -m tests.benchmarks.reading FILE` reads every case of a dataset, and no more."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path

from fceval.cases.read import read_cases

if __name__ == "__main__":
    deque(read_cases(Path(sys.argv[1])), maxlen=0)
