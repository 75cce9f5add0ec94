"""Bodies in gzip or deflate, unpacked as they come: never more at a time than a piece, never a bomb. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from fceval.client.sse import MAX_STREAM_BYTES, TooMuchError

ENCODINGS = "gzip, deflate"
"""What `Unpacker` knows, as `Accept-Encoding` names it."""
MAX_RATIO = 200
"""How many times its packed size a body may have, once it is longer than a mebibyte."""
_PIECE_BYTES = 2**16
_FREE_BYTES = 2**20
_GZIP = 16 + zlib.MAX_WBITS
_DEFLATE_METHOD = 8


class BadEncodingError(ValueError):
    """A body is not what its content encoding says; the message says how, for a person."""


class Unpacker:
    """Undoes one content encoding; one that it does not know it leaves alone.

    Args:
        encoding: The header's value.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower().removeprefix("x-")
        self._is_packed = self._encoding in {"gzip", "deflate"}
        self._unpack: zlib._Decompress | None = None
        self._packed_bytes = 0
        self._bytes = 0

    def feed(self, content: bytes) -> Iterator[bytes]:
        """Yield what the bytes unpack to, in pieces; exhaust it before the next call.

        Raises:
            BadEncodingError: They are not in the encoding.
            TooMuchError: They unpack to too much.
        """
        self._packed_bytes += len(content)
        if not self._is_packed:
            yield content
            return
        while content := self._without_padding(content):
            if self._unpack is None:
                self._unpack = zlib.decompressobj(self._window(content))
            try:
                piece = self._unpack.decompress(content, _PIECE_BYTES)
            except zlib.error:
                msg = f"the body is not {self._encoding}, as its header says, or damaged"
                raise BadEncodingError(msg) from None
            self._bytes += len(piece)
            self._refuse_bomb()
            if piece:
                yield piece
            content = self._unpack.unconsumed_tail
            if self._unpack.eof:
                content, self._unpack = self._unpack.unused_data, None

    def close(self) -> None:
        """Check that nothing is missing.

        Raises:
            BadEncodingError: The end is.
        """
        if self._unpack is not None:
            msg = f"the {self._encoding} body is cut off"
            raise BadEncodingError(msg)

    def _without_padding(self, content: bytes) -> bytes:
        """Leave out the zeros that may stand behind a member; none begins with one."""
        return content.lstrip(b"\0") if self._unpack is None and self._encoding == "gzip" else content

    def _window(self, content: bytes) -> int:
        if self._encoding == "gzip":
            return _GZIP
        has_header = content[0] & 0x0F == _DEFLATE_METHOD  # many servers leave out what RFC 9110 wants around it
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS

    def _refuse_bomb(self) -> None:
        if self._bytes > _FREE_BYTES and self._bytes > MAX_RATIO * self._packed_bytes:
            msg = f"the body unpacks to more than {MAX_RATIO} times its size"
            raise TooMuchError(msg)
        if self._packed_bytes > MAX_STREAM_BYTES:
            msg = f"the packed body is longer than {MAX_STREAM_BYTES // 2**20} MiB"
            raise TooMuchError(msg)
