"""Shares as people write them."""

from __future__ import annotations

import click
import pytest

from fceval.cli.shares import SHARE


@pytest.mark.parametrize(
    ("text", "share"),
    [("2pp", 0.02), ("2%", 0.02), ("0.02", 0.02), ("0", 0), ("1", 1), ("100%", 1), (" 2.5 pp", 0.025), ("1e-2", 0.01)],
)
def test_share(text: str, share: float) -> None:
    """Percent, points and fractions are one number."""
    assert SHARE.convert(text, None, None) == pytest.approx(share)


@pytest.mark.parametrize("text", ["2", "-1%", "101%", "", "pp", "two", "nan", "inf", "2pp%"])
def test_no_share(text: str) -> None:
    """A bare 2 may be 2% or 200%: it is asked, not guessed."""
    with pytest.raises(click.BadParameter, match=r"write 2pp, 2% or 0\.02"):
        SHARE.convert(text, None, None)
