"""Shares as people write them: ``2pp``, ``2%`` or ``0.02``."""

from __future__ import annotations

import math
from typing import Any

import click

_PERCENT_SIGNS = ("pp", "%")
_MOST = 100


class ShareType(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic since click 8.4 only
    """A share in [0, 1]; percent and percentage points are both hundredths."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 -- click's own signature
        """Return the share, or fail in click's way."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        sign = next((sign for sign in _PERCENT_SIGNS if text.endswith(sign)), "")
        try:
            number = float(text.removesuffix(sign))
        except ValueError:
            number = math.nan
        share = number / _MOST if sign else number
        if not 0 <= share <= 1:
            self.fail(f"{text!r} is no share: write 2pp, 2% or 0.02", param, ctx)
        return share


SHARE = ShareType()
