"""Kills processes that write to a journal: `python -m tests.killed_writer JOURNAL SEED ROUNDS`.

Each round forks a writer, which tells by a pipe what it has begun and what it has written, and kills it with SIGKILL
after a random number of bytes from the pipe. Prints one JSON array a round: the numbers begun, and those written.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from itertools import count
from pathlib import Path

from fceval.journal import Journal
from tests.journal_records import response


def write_for_ever(path: Path, first: int, pipe: int) -> None:
    """Begin and append one response after the other, each told by a line when it is done."""
    with Journal(path) as journal:
        for number in count(first):
            each = response(number)._replace(message={"content": "x" * (number * 997 % 60_000)})
            os.write(pipe, b"< %d\n" % number)
            journal.begin([(each.key, each.fingerprint)])
            journal.append(each)
            os.write(pipe, b"> %d\n" % number)


def killed(path: Path, first: int, most_told: int) -> tuple[list[int], list[int]]:
    """Let a writer write until it has told about so many bytes, and kill it; return what it had begun and written."""
    read_end, write_end = os.pipe()
    writer = os.fork()
    if not writer:
        os.close(read_end)
        try:
            write_for_ever(path, first, write_end)
        finally:
            os._exit(1)
    os.close(write_end)
    told = b""
    while len(told) < most_told and (more := os.read(read_end, 64)):
        told += more
    os.kill(writer, signal.SIGKILL)
    while more := os.read(read_end, 65_536):
        told += more
    os.close(read_end)
    _, status = os.waitpid(writer, 0)
    if not os.WIFSIGNALED(status):
        sys.exit("the writer ended by itself")
    return _numbers(told, b"<"), _numbers(told, b">")


def _numbers(told: bytes, sign: bytes) -> list[int]:
    return [int(line[2:]) for line in told.splitlines() if line.startswith(sign)]


def main(path: Path, seed: int, rounds: int) -> None:
    """Kill writers of one journal, one after the other."""
    chance = random.Random(seed)
    first = 0
    for _ in range(rounds):
        begun, written = killed(path, first, chance.randrange(1, 800))
        sys.stdout.write(json.dumps([begun, written]) + "\n")
        first = max([first, *begun]) + 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
