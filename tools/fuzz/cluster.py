"""The cases of a campaign on a Dask cluster, for ``--cluster``: the same batches, the same findings, on more machines.

The workers need this version of the project, and the modules of the user's own firmware and checks. A worker that dies
takes nothing with it: what it was doing is done again elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from types import TracebackType
from typing import Any

from emulator.events.masking import printable
from emulator.log.header import code_digest
from emulator.log.store import LogError
from emulator.world.packing import unpack
from tools.fuzz.campaign import trying
from tools.fuzz.keeping import About
from tools.fuzz.model import Outcome
from tools.fuzz.planning import plan_of
from tools.workers import done

BATCH = 16
"""Cases that go to a worker together."""
PATIENCE = "20s"
"""How long the scheduler, and a first worker, may keep one waiting."""
TRIES = 5
"""How many workers may die over one batch before it is what kills them."""


class Cluster:
    """Workers somewhere else, in place of :class:`tools.workers.Workers`. base: the story, packed. A context manager.

    Raises LogError if there is no such cluster, or its workers have other code.
    """

    def __init__(self, address: str, base: bytes, about: About) -> None:
        self.address, self.base, self.about = address, base, about
        self.client: Any = None

    def __enter__(self) -> Cluster:
        dask = distributed()
        try:
            self.client = dask.Client(self.address, timeout=PATIENCE)
            self.client.wait_for_workers(1, timeout=PATIENCE)
            self.compare()
        except (OSError, ValueError, TimeoutError) as error:
            self.close()
            raise LogError(f"--cluster {self.address}: {printable(str(error)) or 'nobody answers'}") from None
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster as it was."""
        if self.client is not None:
            self.client.close()

    def compare(self) -> None:
        """Its workers have to run the code of this process. Raises LogError."""
        for worker, found in self.client.run(code_digest).items():
            if found != code_digest():
                raise LogError(f"--cluster {self.address}: worker {worker} has other code; install this version there")

    def each(self, tasks: Sequence[Any]) -> Iterator[tuple[int, Outcome]]:
        """(number of the task, its outcome), as they are done. Raises LogError."""
        numbered = list(enumerate(tasks))
        batches = [numbered[first : first + BATCH] for first in range(0, len(numbered), BATCH)]
        futures = [
            self.client.submit(batch_done, self.base, self.about, batch, pure=False, retries=TRIES) for batch in batches
        ]
        try:
            for future in distributed().as_completed(futures):
                yield from future.result()
        except LogError:
            raise
        except Exception as error:
            raise LogError(f"--cluster {self.address}: {type(error).__name__}: {printable(str(error))}") from None
        finally:
            self.client.cancel(futures)


def distributed() -> Any:
    """Dask's library, which only those need who have a cluster. Raises LogError."""
    try:
        return import_module("distributed")
    except ImportError:
        raise LogError("--cluster needs Dask: pip install 'offhook[cluster]'") from None


def batch_done(base: bytes, about: About, batch: Sequence[tuple[int, Any]]) -> list[tuple[int, Outcome]]:
    """Some cases, on a worker."""
    work = work_of(base, about)
    return [(number, done(work, task, number)) for number, task in batch]


@lru_cache(maxsize=4)
def work_of(base: bytes, about: About) -> Callable[[Any], Outcome]:
    """What is done with a task of a campaign, made once for each that a worker hears of."""
    return trying(plan_of(unpack(base, "a campaign"), about))
