"""Reads files in other processes, so that a hang or a crash is a result like any other."""

from __future__ import annotations

import multiprocessing
import resource
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue

MEMORY = 3_000_000_000  # bytes of address space for one worker
START = 60  # seconds in which a worker must be ready

DOCUMENT, REFUSED = "document", "refused"
CONTEXT = multiprocessing.get_context("spawn")  # no threads and locks of ours in the workers


@dataclass(frozen=True)
class Outcome:
    """What became of one input: a document, a refusal, or a failure said in words."""

    path: Path
    result: str
    seconds: float

    @property
    def failed(self) -> bool:
        return self.result not in {DOCUMENT, REFUSED}


def run(paths: Sequence[Path], limit: float, jobs: int, whole: bool = False) -> list[Outcome]:
    """What becomes of each file. With `whole` a document is also cut into passages."""
    queue: SimpleQueue[Path] = SimpleQueue()
    for path in paths:
        queue.put(path)
    with ThreadPoolExecutor(jobs) as threads:
        parts = threads.map(lambda _: list(_drain(queue, limit, whole)), range(jobs))
        return sorted((o for part in parts for o in part), key=lambda o: o.path)


def _drain(queue: SimpleQueue[Path], limit: float, whole: bool) -> Iterator[Outcome]:
    worker: _Worker | None = None
    try:
        while True:
            path = queue.get_nowait()
            worker = worker or _Worker(whole)
            began = time.monotonic()
            result = worker.read(path, limit)
            outcome = Outcome(path, result, time.monotonic() - began)
            yield outcome
            if outcome.failed:
                worker.stop()
                worker = None
    except Empty:
        if worker:
            worker.stop()


class _Worker:
    """A process that reads one file after another."""

    def __init__(self, whole: bool) -> None:
        self._pipe, theirs = CONTEXT.Pipe()
        self._process = CONTEXT.Process(target=_serve, args=(theirs, whole), daemon=True)
        self._process.start()
        theirs.close()
        if not self._pipe.poll(START) or self._pipe.recv() != "ready":
            raise RuntimeError("a worker does not start")

    def read(self, path: Path, limit: float) -> str:
        try:
            self._pipe.send(path)
            if not self._pipe.poll(limit):
                return f"no end after {limit:g} s"
            return str(self._pipe.recv())
        except (EOFError, OSError):
            self._process.join(5)
            return f"crash, exit code {self._process.exitcode}"

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, whole: bool) -> None:
    from index import passages, structure
    from index.errors import DocumentError
    from index.readers import read
    from index.types import Document

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    pipe.send("ready")
    while True:
        path = pipe.recv()
        try:
            document = read(path)
            if not isinstance(document, Document):
                raise TypeError(f"a {type(document).__name__} instead of a Document")
            if whole:
                passages.cut(structure.programme(document, path))
            pipe.send(DOCUMENT)
        except DocumentError as error:
            lines = str(error).count("\n")
            pipe.send(REFUSED if not lines else f"an error of {lines + 1} lines")
        except BaseException:
            pipe.send(traceback.format_exc())
