"""Packed bodies: unpacked piece by piece, within bounds."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.client.sse import TooMuchError
from fceval.client.unpacking import MAX_RATIO, BadEncodingError, Unpacker

TEXT = b"The quick brown fox. " * 5_000


def unpacked(encoding: str, *chunks: bytes) -> bytes:
    """Return what chunks unpack to."""
    unpacker = Unpacker(encoding)
    content = b"".join(piece for chunk in chunks for piece in unpacker.feed(chunk))
    unpacker.close()
    return content


PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZIP ": gzip.compress(TEXT[:9]) + gzip.compress(TEXT[9:]) + b"\0\0",
    "deflate": zlib.compress(TEXT),
    "Deflate": zlib.compress(TEXT)[2:-4],
    "": TEXT,
    "identity": TEXT,
    "br": TEXT,
}


@pytest.mark.parametrize("encoding", PACKED)
@given(data=st.data())
def test_body_is_unpacked_however_it_is_cut(encoding: str, data: st.DataObject) -> None:
    """In several members, without its header, or not packed at all."""
    packed = PACKED[encoding]
    cuts = sorted(data.draw(st.sets(st.integers(0, len(packed)), max_size=5)))
    chunks = [packed[start:end] for start, end in zip([0, *cuts], [*cuts, len(packed)], strict=True)]
    assert unpacked(encoding, *chunks) == TEXT


@pytest.mark.parametrize(
    ("encoding", "packed", "told"),
    [
        ("gzip", TEXT, "the body is not gzip, as its header says"),
        ("gzip", PACKED["gzip"][:-1], "the gzip body is cut off"),
        ("deflate", PACKED["deflate"][:20], "the deflate body is cut off"),
        ("gzip", PACKED["gzip"][:-8] + b"\xff" * 8, "the body is not gzip, as its header says, or damaged"),
        ("gzip", PACKED["gzip"] + b"rest", "the body is not gzip, as its header says, or damaged"),
    ],
)
def test_damage_is_told(encoding: str, packed: bytes, told: str) -> None:
    """With one exception, whatever it is."""
    with pytest.raises(BadEncodingError, match=told):
        unpacked(encoding, packed)


def test_bomb_is_refused_in_pieces() -> None:
    """A thousand to one: no piece of it is long, and it ends early."""
    unpacker = Unpacker("gzip")
    pieces: list[int] = []
    with pytest.raises(TooMuchError, match=f"more than {MAX_RATIO} times its size"):
        pieces.extend(len(piece) for piece in unpacker.feed(gzip.compress(b" " * (64 * 2**20))[:10_000]))
    assert max(pieces) <= 2**16
    assert sum(pieces) <= MAX_RATIO * 10_000
