"""The one writer of a journal: lines that come together with one write, to the disk within `SYNC_EVERY_S`.

What is written survives the end of the process; a thread brings it to the disk (`fdatasync`), many lines at a time.
Where a line cannot be written, what the disk took of it is taken back, so that nothing is ever glued to a torn line,
and the line is kept in memory, in order, to be tried again or spilled.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fceval.errors import LocalError
from fceval.journal.files import lock, sync_folder
from fceval.journal.index import JournalIndex
from fceval.journal.lines import decode_record, encode_begin, encode_header, encode_lag, encode_response, line_at
from fceval.journal.repair import salvage, set_torn_tail_aside
from fceval.journal.spill import folders_to_try, read_spill, spill, spill_files
from fceval.records import Key, Response

SYNC_EVERY_S = 0.05
"""What a power failure may cost, in seconds; a killed process costs nothing but what is kept (see `Journal.keep`)."""
PATIENCE_S = 30.0
"""How long `settle` waits for room, in seconds."""
_RETRY_EVERY_S = 0.5


class Journal:
    """Writes what is asked and answered to a run's journal, and knows what is there already.

    ::

        with Journal(path) as journal:
            journal.begin([(request.key, fingerprint)])   # raises: send none of them, start nothing new
            journal.append(response)                      # raises: start nothing new; the response is kept all the same
            journal.keep(response)                        # as `append`, but written with the next line, or by `flush`
            journal.settle()                              # at the end: waits for room, else spills; raises: exit code 5

    Args:
        path: The journal; it is made where it is not there.
        salvage: Whether damaged lines are set aside; else a damaged journal is refused.

    Raises:
        LocalError: Another process writes to it, it is damaged, or it cannot be written.
    """

    def __init__(self, path: Path, *, salvage: bool = False) -> None:
        self.path = path
        self.torn_bytes = 0
        """Length of the incomplete last record that was set aside when the journal was opened."""
        self.salvaged_lines = 0
        """How many damaged lines were set aside when the journal was opened."""
        self.restored = 0
        """How many responses were taken back from spill files when the journal was opened."""
        self._salvage = salvage
        self._unwritten: deque[bytes] = deque()
        self._dirty = threading.Event()
        self._closing = threading.Event()
        self._obstacle: OSError | None = None
        self._is_broken = False

    def __enter__(self) -> Self:
        self._file = self._opened()
        try:
            self._prepare()
        except LocalError:
            os.close(self._file)
            raise
        except OSError as error:
            os.close(self._file)
            raise self._cannot_write(error) from error
        self._syncer = threading.Thread(target=self._sync_now_and_then, name="journal-sync", daemon=True)
        self._syncer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush_unwritten()
        self._closing.set()
        self._dirty.set()
        self._syncer.join()
        lost = self._given_up() if self._unwritten else None
        self.index.close()
        os.close(self._file)
        if error is not None and lost is not None:
            error.add_note(str(lost))
        elif error is None and (lost is not None or self._is_broken):
            raise lost or self._cannot_write(self._obstacle) from self._obstacle

    # --- open -------------------------------------------------------------------------------------------------

    def _opened(self) -> int:
        """Open and lock the file; where it is new, make sure that its name survives a power failure as well."""
        try:
            is_new = not self.path.exists()
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._cannot_write(error) from error
        try:
            lock(file, self.path)
            if is_new:
                sync_folder(self.path.parent)
        except BlockingIOError:
            os.close(file)
            msg = f"{self.path.parent}: another process is writing to this run; wait for it, or choose another --out"
            raise LocalError(msg) from None
        except OSError as error:
            os.close(file)
            msg = f"{self.path}: cannot be locked: {error.strerror or error}; choose a folder on a local disk"
            raise LocalError(msg) from error
        return file

    def _prepare(self) -> None:
        self.torn_bytes = set_torn_tail_aside(self._file, self.path)
        if self._salvage:
            self._file, self.salvaged_lines = salvage(self._file, self.path)
        self._size = os.fstat(self._file).st_size
        if not self._size:
            self._write(deque([encode_header("journal", secrets.token_hex(8))]))
        self.index = JournalIndex(self.path)
        self._id = (decode_record(line_at(self._file, 0)) or {}).get("id")
        try:
            self._take_back_spilled()
        except BaseException:
            self.index.close()
            raise

    def _take_back_spilled(self) -> None:
        files = spill_files(self.path.parent)
        for file in files:
            lines = read_spill(file, self._id)
            self._write(deque(lines))
            os.fdatasync(self._file)
            file.unlink()
            self.restored += len(lines)
        if files:
            self.index.close()
            self.index = JournalIndex(self.path)

    # --- write ------------------------------------------------------------------------------------------------

    @property
    def unwritten(self) -> int:
        """How many responses are in memory alone, because the journal could not take them."""
        return len(self._unwritten)

    def begin(self, requests: Sequence[tuple[Key, str]]) -> None:
        """Note that requests are about to be sent; what begins and never ends was possibly billed.

        Args:
            requests: Key and fingerprint of each.

        Raises:
            LocalError: Not all of them could be noted: none of them must be sent.
        """
        begins = [encode_begin(*each) for each in requests]
        self._unwritten += begins
        if not self.flush_unwritten():
            for _ in begins[-len(self._unwritten) :]:  # what was not noted is not sent; answers stay
                self._unwritten.pop()
            raise self._cannot_write(self._obstacle) from self._obstacle

    def note_lag(self, counts: Mapping[int, int]) -> None:
        """Note how late the event loop woke up, in milliseconds to how often; a full disk has no room for it."""
        if counts and self.flush_unwritten():
            with contextlib.suppress(OSError):
                self._write(deque([encode_lag(counts)]))

    def append(self, response: Response) -> None:
        """Write a response; it survives the end of this process from here on.

        Raises:
            LocalError: It could not be written (disk full ...). It is kept in memory, and tried again with the next
                one, by `flush_unwritten` and by `settle`: do not append it again.
        """
        self.keep(response)
        self.flush()

    def keep(self, response: Response) -> None:
        """Take a response that is written with the next line, or by `flush`, which has to be called soon."""
        self._unwritten.append(encode_response(response))

    def flush(self) -> None:
        """Write what is kept; it survives the end of this process from here on.

        Raises:
            LocalError: As `append`.
        """
        if not self.flush_unwritten():
            raise self._cannot_write(self._obstacle) from self._obstacle

    def flush_unwritten(self) -> bool:
        """Try to write what is not written; return whether nothing is left of it."""
        try:
            if self._unwritten:
                self._write(self._unwritten)
        except OSError as error:
            self._obstacle = error
        return not self._unwritten

    def settle(self, patience_s: float = PATIENCE_S, folders: Sequence[Path] | None = None) -> None:
        """Write what could not be written as soon as there is room, and spill what cannot be. Blocks.

        Args:
            patience_s: How long to wait for room, in seconds.
            folders: As in `spill`.

        Raises:
            LocalError: There are responses that are not in the journal; it says how many, and where they are.
        """
        give_up_at = time.monotonic() + patience_s
        while not self.flush_unwritten():
            if self._is_broken or time.monotonic() >= give_up_at:
                raise self._given_up(folders) from self._obstacle
            time.sleep(_RETRY_EVERY_S)

    def spill(self, folders: Sequence[Path] | None = None) -> Path | None:
        """Write what is in memory alone to a file of its own, on any disk that has room.

        The journal takes it back when it is opened while the file is in the run's folder.

        Args:
            folders: Where to try, in this order; None: the run's folder, that for temporary files, home, the current.

        Returns:
            The file; None where there was nothing to write, or no room.
        """
        if not self._unwritten:
            return None
        path = spill(folders or folders_to_try(self.path.parent), self._id, list(self._unwritten))
        if path is not None:
            self._unwritten.clear()
        return path

    def _given_up(self, folders: Sequence[Path] | None = None) -> LocalError:
        """Spill, and return what to tell about it."""
        count = self.unwritten
        file = self.spill(folders)
        reason = _reason(self._obstacle)
        if file is None:
            return LocalError(
                f"{self.path}: cannot be written: {reason}; {count} answers are lost, no other disk had room for them: "
                "make room, then --resume to ask for them again"
            )
        folder = self.path.parent.absolute()
        move = "" if file.parent == folder else f", move that file to {folder}"
        return LocalError(
            f"{self.path}: cannot be written: {reason}; {count} answers are in {file}: make room{move}, then --resume"
        )

    def _write(self, lines: deque[bytes]) -> None:
        """Write lines, and take out those that are in the file: all of them, or the first ones where this raises."""
        if self._is_broken and self._obstacle:
            raise self._obstacle
        content = b"".join(lines)
        done = 0
        try:
            while done < len(content):  # a full disk takes a part; the next write tells why it does not take the rest
                done += os.pwrite(self._file, content[done:] if done else content, self._size + done)
        finally:
            end = self._size + done
            while lines and self._size + len(lines[0]) <= end:
                self._size += len(lines.popleft())
            if self._size < end:
                self._take_back_partial()
        if not self._dirty.is_set():
            self._dirty.set()

    def _take_back_partial(self) -> None:
        try:
            os.ftruncate(self._file, self._size)
        except OSError as error:  # what follows a torn record would be glued to it: nothing more is written
            self._break(error)

    def _break(self, error: OSError) -> None:
        self._obstacle = error
        self._is_broken = True

    def _cannot_write(self, error: OSError | None) -> LocalError:
        return LocalError(f"{self.path}: cannot be written: {_reason(error)}; make room, then --resume")

    def _sync_now_and_then(self) -> None:
        is_last = False
        while not is_last:
            self._dirty.wait()
            self._dirty.clear()
            is_last = self._closing.is_set()  # asked after clearing: whoever closes from here on wakes us once more
            try:
                os.fdatasync(self._file)
                if not os.fstat(self._file).st_nlink:
                    self._break(FileNotFoundError(0, "it was removed while it was written to"))
                    return
            except OSError as error:
                self._break(error)
                return
            self._closing.wait(SYNC_EVERY_S)


def _reason(error: OSError | None) -> str:
    return str(error and (error.strerror or error))
