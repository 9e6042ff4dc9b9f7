"""A few processes that do tasks side by side, forked so that they know what this one knows.

They do not hear Ctrl-C: this process does, and stops them. Tasks and results go through pipes, in any order.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

from emulator.world.fence import fence

T = TypeVar("T")
R = TypeVar("R")
TIDY = 200
"""Tasks after which a worker collects its garbage; in between it need not, for runs hold each other only once."""


class WorkerLost(Exception):
    """A worker process went away without an answer."""


class Workers(Generic[T, R]):
    """``count`` processes that do ``work`` on tasks; with a count of 1, none but this one. A context manager."""

    def __init__(self, work: Callable[[T], R], count: int) -> None:
        self._work = work
        self._count = count
        self._ends: list[tuple[Connection, Connection]] = []
        self._processes: list[multiprocessing.process.BaseProcess] = []

    def __enter__(self) -> Workers[T, R]:
        if self._count > 1:
            fork = multiprocessing.get_context("fork")
            gc.freeze()  # what is shared stays shared
            for _ in range(self._count):
                theirs, ours = fork.Pipe(duplex=False)
                answers, replies = fork.Pipe(duplex=False)
                process = fork.Process(target=_serve, args=(self._work, theirs, replies), daemon=True)
                process.start()
                self._processes.append(process)
                self._ends.append((ours, answers))
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()
        gc.unfreeze()

    def each(self, tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """(number of the task, its result), as they are done. Raises WorkerLost."""
        if not self._ends:
            yield from ((number, done(self._work, task, number)) for number, task in enumerate(tasks))
            return
        left = iter(enumerate(tasks))
        busy: dict[Connection, Connection] = {}
        for ours, answers in self._ends:
            if (task := next(left, None)) is not None:
                ours.send(task)
                busy[answers] = ours
        while busy:
            ready = wait(list(busy))
            for answers in [answers for answers in busy if answers in ready]:
                ours = busy.pop(answers)
                try:
                    number, result = answers.recv()
                except EOFError:
                    raise WorkerLost("a worker process went away") from None
                if (task := next(left, None)) is not None:
                    ours.send(task)
                    busy[answers] = ours
                yield number, result


def _serve(work: Callable[[T], R], tasks: Connection, replies: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            number, task = tasks.recv()
        except (EOFError, OSError):
            return
        replies.send((number, done(work, task, number)))


def done(work: Callable[[T], R], task: T, number: int) -> R:
    """The result of a task, done without a network, and without the garbage collector most of the time."""
    gc.disable()
    try:
        with fence():
            return work(task)
    finally:
        if number % TIDY == 0:
            gc.collect()
        gc.enable()
