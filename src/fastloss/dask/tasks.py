"""What is done with each block, and what is made of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import dask.array as da
import numpy as np

from fastloss.core.partial import Partial
from fastloss.dask.blocks import Call, Job

__all__ = [
    "derivatives",
    "first_of",
    "grad_alone",
    "grad_and_hess",
    "reduced",
    "same",
    "state",
    "state_and_grad",
    "value_of",
    "values",
]


class _Block(NamedTuple):
    """A call on the arrays of a block, as `Call.map` hands them over."""

    loss: Any
    arguments: list[Any]
    keywords: dict[str, Any]
    divisor: Any
    number: int

    @classmethod
    def of(cls, given: tuple[Any, ...], job: Job, first: int) -> _Block:
        divisor, prediction, *others, number = given
        blocks = [*others[:first], prediction, *others[first:]]
        arguments, keywords = job.opened(tuple(blocks))
        return cls(job.loss, arguments, keywords, divisor, int(number[0]))

    def run(self, method: str, **options: Any) -> Any:
        """Call a method of the loss; an error says of which block it is."""
        try:
            call = getattr(self.loss, method)
            return call(*self.arguments, **{**self.keywords, **options})
        except ValueError as error:
            raise ValueError(
                f"in block {self.number} along the first axis: {error}"
            ) from None

    def derivatives(self, method: str) -> Any:
        """Return derivatives of the reduced value of all samples."""
        total = {"reduction": "sum"}
        if self.divisor is None:
            return self.run(method, **total)
        weight = self.keywords.get("sample_weight")
        if weight is None:
            samples = self.loss._arrays(*self.arguments).samples
            weight = np.broadcast_to(1.0, samples)
        weight = np.asarray(weight, np.float64)
        scaled = weight / self.divisor if self.divisor else np.zeros_like(weight)
        return self.run(method, sample_weight=scaled, **total)


def state(*given: Any, job: Job, first: int, squares: bool = False) -> Partial:
    """Return the state of a block."""
    state: Partial = _Block.of(given, job, first).run("partial", squares=squares)
    return state


def values(*given: Any, job: Job, first: int) -> Any:
    """Return the values of its samples."""
    return _Block.of(given, job, first).run("__call__")


def grad_alone(*given: Any, job: Job, first: int) -> tuple[Any, Any]:
    """Return nothing and the gradient."""
    return None, _Block.of(given, job, first).derivatives("grad")


def state_and_grad(*given: Any, job: Job, first: int) -> tuple[Partial, Any]:
    """Return the state and the gradient."""
    block = _Block.of(given, job, first)
    return block.run("partial", squares=False), block.derivatives("grad")


def grad_and_hess(*given: Any, job: Job, first: int) -> Any:
    """Return both derivatives."""
    return _Block.of(given, job, first).derivatives("grad_and_hess")


def _pick(block: Any, at: int, head: int | None) -> Any:
    return block[at] if head is None else block[at][head]


def derivatives(call: Call, both: Any, at: int = 1) -> Any:
    """Return a derivative in the form of the predictions."""
    arrays = tuple(
        da.blockwise(
            _pick,
            call.axes,
            both,
            call.axes,
            at=at,
            head=head,
            dtype=call.dtype,
            meta=np.empty((0,) * len(call.axes), call.dtype),
        )
        for head in (range(call.heads) if call.heads else (None,))
    )
    return arrays if call.heads else arrays[0]


def _leaves(tree: Any) -> Iterator[Any]:
    if isinstance(tree, list):
        for branch in tree:
            yield from _leaves(branch)
    else:
        yield tree


def _sum(tree: Any, **_: Any) -> Any:
    return sum(_leaves(tree))


def same(found: Any, **_: Any) -> Any:
    """Pick all."""
    return found


def first_of(found: Any, **_: Any) -> Any:
    """Pick the first of a pair."""
    return found[0]


def value_of(state: Partial) -> np.float64:
    """Return the value of a state, as the scalar that Dask's `float` asks of NumPy."""
    return np.float64(state.value())


def _finished(tree: Any, finish: Callable[[Any], Any], **_: Any) -> Any:
    return finish(_sum(tree))


def reduced(
    blocks: Any, pick: Callable[..., Any], finish: Callable[..., Any], dtype: Any
) -> Any:
    """Return the sum of what is picked of all blocks, added up as in a tree."""
    return da.reduction(
        blocks,
        chunk=pick,
        combine=_sum,
        aggregate=partial(_finished, finish=finish),
        axis=None,
        concatenate=False,
        dtype=dtype,
        meta=np.empty((), dtype),
    )
