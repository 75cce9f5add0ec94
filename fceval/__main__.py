"""`python -m fceval`."""

from __future__ import annotations

import sys

from fceval.cli import main

if __name__ == "__main__":
    sys.exit(main())
