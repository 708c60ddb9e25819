"""One pass over blocks of values, in several threads where that pays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from threading import Lock, Thread
from typing import Generic, TypeVar

from weightrepl.model.tensor import Array, TensorSource, TensorSpec, dtype_bits, itemsize_of

B = TypeVar("B")
T = TypeVar("T")

BLOCK_SIZE = 1 << 19
"""The elements of a block: few enough for the caches, and enough that threads seldom wait for each other."""

_ALONE_SIZE = 1 << 21  # so many are done before another thread would have begun
_MOST_THREADS = 4  # one thread at a time reads: more would wait for it


def blocks_of(tensor: TensorSource, spec: TensorSpec, advance: Callable[[int], None]) -> Iterator[Array]:
    """Yield the values of a tensor in flat blocks of BLOCK_SIZE; `advance` is told how many bytes of it were read."""
    bits = dtype_bits(spec.dtype) or 8
    for block in tensor.blocks(BLOCK_SIZE * (itemsize_of(spec.dtype) or 1)):
        advance(block.size * bits // 8)
        yield block


def folded(
    blocks: Iterable[B],
    size: int,
    worker: Callable[[], Callable[[B], T]],
    merged: Callable[[T, T], T],
    nothing: T,
) -> T:
    """Return the partial results of all blocks merged in the blocks' order, whichever was done first.

    size: about how many elements they hold. worker: returns for each thread what makes a partial result of a block;
        its arrays are used only by that thread. nothing: what no block gives.

    Raises what reading or a worker raises, once, when all threads have ended.
    """
    threads = 1 if size <= _ALONE_SIZE else min(_cores(), _MOST_THREADS)
    return _Pass(blocks, worker, merged, nothing).result(threads)


def _cores() -> int:
    """Return how many threads of this process can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Pass(Generic[B, T]):
    """What the threads of a pass share."""

    def __init__(
        self,
        blocks: Iterable[B],
        worker: Callable[[], Callable[[B], T]],
        merged: Callable[[T, T], T],
        nothing: T,
    ) -> None:
        self.blocks, self.worker, self.merged, self.total = enumerate(blocks), worker, merged, nothing
        self.reading, self.merging = Lock(), Lock()
        self.early: dict[int, T] = {}
        self.count = 0
        self.error: BaseException | None = None

    def result(self, threads: int) -> T:
        helpers = [Thread(target=self.work) for _ in range(threads - 1)]
        try:
            for helper in helpers:
                helper.start()
            self.work()
            for helper in helpers:
                helper.join()
        except BaseException as error:  # an interrupt comes at any point: none must go on without us
            self.error = error
            for helper in helpers:
                if helper.ident is not None:
                    helper.join()
        if self.error is not None:
            raise self.error
        return self.total

    def work(self) -> None:
        """Take block after block, until there is none or a thread has failed."""
        try:
            of_block = self.worker()
            while self.error is None:
                with self.reading:
                    number, block = next(self.blocks, (0, None))
                if block is None:
                    return
                self.add(number, of_block(block))
        except BaseException as error:
            self.error = error

    def add(self, number: int, part: T) -> None:
        with self.merging:
            self.early[number] = part
            while self.count in self.early:
                self.total = self.merged(self.total, self.early.pop(self.count))
                self.count += 1
