"""Threads that process chunks while one thread reads and writes."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from arabench.corpus.lanes.lane import Outcome

#: Chunks in flight per worker: one being processed, one waiting.
_CHUNKS_PER_WORKER: Final = 2

#: (function, items) -> results in the order of the items.
Apply = Callable[[Callable[[Any], Outcome], Iterator[Any]], Iterator[Outcome]]


@contextlib.contextmanager
def open_workers(workers: int) -> Iterator[Apply]:
    """What applies a function to items in `workers` threads; with 1 in the calling thread."""
    if workers == 1:
        yield map
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="arabench")

    def apply(function: Callable[[Any], Outcome], items: Iterator[Any]) -> Iterator[Outcome]:
        waiting: deque[Future[Outcome]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= _CHUNKS_PER_WORKER * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    try:
        yield apply
    finally:
        pool.shutdown(cancel_futures=True)
