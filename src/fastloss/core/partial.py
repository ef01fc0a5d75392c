"""The state of a loss over a part of its samples: exact sums, which merge.

A value is a quotient of sums. Those of a part are kept as rational numbers, which add
up without rounding: the state of all samples depends neither on the order in which
parts are merged nor on who merges them. Only a value is rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from fastloss.core import checks, exact, job
from fastloss.core.exact import Number
from fastloss.core.job import Array, Arrays, Work
from fastloss.core.kinds import Batch, Regions, Sequence, TwoBatches

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastloss.core.loss import Loss

__all__ = ["Partial"]

#: Sums over samples of w l, of what the mean divides by, and of products of the two.
_SUMS = ("loss", "weight")
_SQUARES = ("loss loss", "loss weight", "weight weight")

_AT_ONCE = 1 << 14  # values in memory, when squares are added up


class Partial:
    """What is known of a loss over the samples seen so far.

    ``loss.partial(y_true, y_pred)`` makes one of some samples, ``Partial(loss)`` one
    of none. States of the same loss add up, with ``+`` and `sum`, to that of all
    samples; `update` and `merge` change one in place. Sums are exact: it does not
    matter in which order parts come together.

    Parameters
    ----------
    loss : Loss
        Its value is made of sums over samples: any but those that compare the rows of a
        batch, under any reduction but "none".

    Attributes
    ----------
    loss : Loss
    count : int
        Samples, without ignored rows.

    Examples
    --------
    >>> import fastloss as fl
    >>> state = fl.mse.partial([1.0, 2.0], [1.0, 4.0]) + fl.mse.partial([3.0], [4.0])
    >>> state.value(), state.count
    (1.6666666666666667, 3)
    >>> state.update([0.0], [1.0])
    >>> state.value() == fl.mse([1.0, 2.0, 3.0, 0.0], [1.0, 4.0, 4.0, 1.0])
    True
    """

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __init__(self, loss: Loss) -> None:
        _refuse(loss)
        self.loss = loss
        self.count = 0
        self._samples = 0  # with ignored rows
        self._weighed = 0  # those whose weight is not 0, if squares are known
        self._weighs = False  # whether there is one
        names: tuple[str, ...] = (*_SUMS, *_SQUARES)
        if _is_of_sums(loss):
            from fastloss._custom.merge import total_programs

            names = "weight", *map(_total, range(len(total_programs(loss))))
        elif isinstance(loss, Sequence):
            names = _SUMS
        self._sums: dict[str, Number] = dict.fromkeys(names, Fraction(0))

    @classmethod
    def _of(
        cls,
        loss: Loss,
        arguments: tuple[Any, ...],
        sample_weight: ArrayLike | None,
        squares: bool,
    ) -> Self:
        """Return the state of the samples of a call."""
        given = loss.__dict__.get("_given")
        self = cls(loss if given is None else replace(loss))
        loss = _reduced(loss, "mean")
        arrays = loss._arrays(*arguments)
        _refuse_wholes(loss, arrays)
        weight = checks.weights(sample_weight, arrays.samples)
        for name in () if squares else _SQUARES:
            self._sums.pop(name, None)
        if checks.is_empty(arrays.predictions[0], "sum"):
            return self
        self._samples = math.prod(arrays.samples)
        self.count = loss._count(arrays)
        if _is_of_sums(loss):
            self._add_totals(loss, arrays, weight)
            return self
        parts = _parts_of(loss, arrays, weight, loss._work(0, arrays, weight))
        scale = _class_scale(loss, arrays)
        self._weighs = parts.weighs
        self._sums["loss"] = exact.times(parts.total, scale)
        self._sums["weight"] = exact.times(parts.weight, scale)
        if _SQUARES[0] in self._sums:
            self._add_squares(loss, arrays, weight, parts)
        return self

    def _add_totals(self, loss: Any, arrays: Arrays, weight: Array | None) -> None:
        """Those of a loss of sums."""
        from fastloss._custom.merge import total_programs

        work = loss._work_of_totals(arrays)
        for i, program in enumerate(total_programs(loss)):
            parts = _parts_of(loss, arrays, weight, work._replace(program=program))
            self._sums[_total(i)] = parts.total
            self._sums["weight"] = parts.weight
            self._weighs = parts.weighs

    def _add_squares(
        self, loss: Loss, arrays: Arrays, weight: Array | None, parts: _Parts
    ) -> None:
        """Those of r = w l - c w, which lose no digits where c is close to the mean.

        What they say of w l itself follows exactly.
        """
        center = exact.quotient(parts.total, parts.weight) if parts.weight else 0.0
        center = center if math.isfinite(center) else 0.0
        exponent = _exponent(weight)
        sums = np.zeros(3)
        with np.errstate(all="ignore"):
            for values, counts in _samples(loss, arrays, weight, -exponent):
                values -= center if counts is None else center * counts
                rest = values.ravel()
                rr = np.einsum("i,i", rest, rest)
                if counts is None:
                    self._weighed += rest.size
                    sums += rr, rest.sum(), rest.size
                else:
                    w = counts.ravel()
                    self._weighed += int(np.count_nonzero(w))
                    sums += rr, np.einsum("i,i", rest, w), np.einsum("i,i", w, w)
        factor = Fraction(2) ** (2 * exponent)
        rr, rw, ww = (exact.times(exact.of(float(total)), factor) for total in sums)
        c = Fraction(center)
        lw = exact.plus(rw, exact.times(ww, c))
        ll = exact.plus(exact.plus(rr, exact.times(rw, 2 * c)), exact.times(ww, c * c))
        self._sums.update(zip(_SQUARES, (ll, lw, ww), strict=True))

    def value(self) -> float:
        """Return the loss of all samples, as a call on them does.

        Raises
        ------
        ValueError
            There is no mean of no samples, nor where weights sum to 0.
        """
        if _is_of_sums(self.loss):
            return self._value_of_sums()
        if self.loss.reduction == "sum":
            return exact.rounded(self._sums["loss"])
        self._has_mean()
        if self.loss.reduction == "sum_over_batch_size":
            total = exact.rounded(self._sums["loss"])
            return total / self.count if self.count else 0.0
        weight = self._sums["weight"]
        return exact.quotient(self._sums["loss"], weight) if weight else 0.0

    def _value_of_sums(self) -> float:
        from fastloss._custom.merge import value_of

        self._has_mean()
        weight = self._sums["weight"]
        totals = [self._sums[n] for n in self._sums if n != "weight"]
        shift = exact.shift(weight)
        rounded = [exact.rounded(exact.times(total, shift)) for total in totals]
        divisor = exact.rounded(exact.times(weight, shift))
        return value_of(self.loss, self._samples, rounded, divisor)

    def _has_mean(self) -> None:
        if not self._samples:
            raise ValueError(
                "no samples were seen, and there is no mean of none: add some first, "
                'or use reduction="sum", which is 0'
            )
        if self.loss.reduction == "mean" and self._weighs and not self._sums["weight"]:
            raise ValueError(
                "sample_weight sums to 0 although not all weights are 0: there is no "
                'mean; use reduction="sum"'
            )

    def standard_error(self) -> float:
        """Return how far the mean of other samples like these may be from this one.

        It is that of the weighted mean m = sum(w l) / sum(w), whatever the reduction,

            sqrt(n / (n - 1) sum(w^2 (l - m)^2)) / abs(sum(w)),

        of the n samples whose weights are not 0: the error of a quotient of two sums
        (W. G. Cochran, Sampling Techniques, 1977, chapter 6), which D. F. Gatz and
        L. Smith (Atmospheric Environment 29, 1995) found closest to the bootstrap's. It
        is the standard deviation over the root of n where all weights are equal.

        Returns
        -------
        float
            NaN for one sample.

        Raises
        ------
        ValueError
            As `value` of a mean; where squares were left out; and of losses that are no
            mean of values of samples.
        """
        if _SQUARES[0] not in self._sums:
            self._refuse_error()
        self._has_mean()
        total, weight = self._sums["loss"], self._sums["weight"]
        ll, lw, ww = (self._sums[name] for name in _SQUARES)
        known = total, weight, ll, lw, ww
        finite = [x for x in known if isinstance(x, Fraction)]
        n = self._weighed
        if n < 2 or not weight or len(finite) < len(known):
            return math.nan
        total, weight, ll, lw, ww = finite
        mean = total / weight
        spread = max(ll - 2 * mean * lw + mean * mean * ww, Fraction(0))
        return exact.root(spread * Fraction(n, n - 1) / (weight * weight))

    def _refuse_error(self) -> None:
        loss = self.loss
        if _is_of_sums(loss):
            why = f"{loss.name} is one number of all samples, no mean of theirs"
        elif isinstance(loss, Sequence):
            why = f"the values of {loss.name} depend on each other"
        else:
            why = "squares=False left out what it is made of, in some part"
        raise ValueError(f"there is no standard error: {why}")

    @property
    def weight(self) -> float:
        """What a mean divides by: the sum of the weights."""
        return exact.rounded(self._sums["weight"])

    def update(self, *arrays: Any, **options: Any) -> None:
        """Add samples, given as to the loss's `partial`."""
        self.merge(self.loss.partial(*arrays, **options))

    def merge(self, *others: Partial) -> None:
        """Add the samples of other states of the same loss."""
        for other in others:
            if not isinstance(other, Partial):
                raise TypeError(
                    f"{type(other).__name__} is no state: merge what partial returned"
                )
            if other.loss != self.loss:
                raise ValueError(
                    f"states of {self.loss!r} and of {other.loss!r} do not add up: "
                    "they need the same loss, with the same parameters and reduction"
                )
        for other in others:
            self._sums = {
                name: exact.plus(self._sums[name], other._sums[name])
                for name in self._sums
                if name in other._sums
            }
            self.count += other.count
            self._samples += other._samples
            self._weighed += other._weighed
            self._weighs |= other._weighs

    def copy(self) -> Self:
        """Return a state of its own."""
        new = type(self).__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new

    def __add__(self, other: Partial) -> Self:
        if not isinstance(other, Partial):
            return NotImplemented
        new = self.copy()
        new.merge(other)
        return new

    def __radd__(self, other: int) -> Self:
        """Of 0, with which `sum` begins."""
        return self.copy() if type(other) is int and other == 0 else NotImplemented

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Partial):
            return NotImplemented
        return self.loss == other.loss and self._told() == other._told()

    def __repr__(self) -> str:
        try:
            value = f"{self.value():.6g}"
        except ValueError:
            value = "no value"
        return f"<Partial of {self.loss!r}: {self._samples} samples, {value}>"

    def _told(self) -> dict[str, Any]:
        return {
            "samples": self._samples,
            "count": self.count,
            "weighed": self._weighed,
            "weighs": self._weighs,
            "sums": {name: str(total) for name, total in self._sums.items()},
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the state as strings and numbers, for JSON and the like.

        Examples
        --------
        >>> import fastloss as fl
        >>> told = fl.mae.partial([1.0], [1.5], squares=False).to_dict()
        >>> told["loss"], told["sums"]
        ('MeanAbsoluteError()', {'loss': '1/2', 'weight': '1'})
        >>> fl.Partial.from_dict(fl.mae, told).value()
        0.5
        """
        return {"loss": repr(self.loss), **self._told()}

    @classmethod
    def from_dict(cls, loss: Loss, told: Mapping[str, Any]) -> Self:
        """Return the state that `to_dict` told of, of this loss."""
        self = cls(loss)
        if told["loss"] != repr(loss):
            raise ValueError(
                f"told is a state of {told['loss']}, not of {loss!r}: pass the loss "
                "that made it"
            )
        self._samples, self.count = int(told["samples"]), int(told["count"])
        self._weighed, self._weighs = int(told["weighed"]), bool(told["weighs"])
        self._sums = {name: exact.number(text) for name, text in told["sums"].items()}
        return self


# -- what is refused -------------------------------------------------------------------


def _refuse(loss: Loss) -> None:
    """Raise unless the sums of parts are those of the whole."""
    if loss.reduction == "none":
        raise ValueError(
            f'{loss.name} has reduction="none", a value for each sample and no sum: '
            'pass reduction="mean", "sum" or "sum_over_batch_size"'
        )
    if isinstance(loss, Batch | TwoBatches):
        raise ValueError(
            f"{loss.name} compares each row with all others of its batch: no part of "
            "the rows has a value of its own; take the mean of the values of batches"
        )
    if loss._compiler is not None:
        from fastloss._custom.merge import refusal

        why = refusal(loss)
        if why is not None:
            raise ValueError(f"parts of {loss.name} do not add up: {why}")


def _refuse_wholes(loss: Loss, arrays: Arrays) -> None:
    """Raise where all numbers are one sample, so that others may belong to it."""
    shape = arrays.predictions[0].shape
    if isinstance(loss, Sequence) and len(shape) < 2:
        raise ValueError(
            f"y_pred has shape {shape}, one sequence whose entries depend on each "
            "other: parts of it do not add up; whole sequences do, as rows of a 2-D "
            "array"
        )
    if isinstance(loss, Regions) and not arrays.samples:
        raise ValueError(
            f"y_pred has shape {shape}, one region: parts of it do not add up; regions "
            "do: give the axes of their entries, as axis=(1, 2), and samples an axis"
        )


def _is_of_sums(loss: Loss) -> bool:
    return loss._compiler is not None and loss._is_one_number()


def _total(i: int) -> str:
    return f"total {i}"


# -- the sums of a part ----------------------------------------------------------------


class _Parts(NamedTuple):
    total: Number
    weight: Number
    weighs: bool


def _parts_of(loss: Loss, arrays: Arrays, weight: Array | None, work: Work) -> _Parts:
    """Return what the engine adds up."""
    parts: list[float] = []
    loss._engine(job.VALUE, arrays, weight, work, None, (), (), parts)
    total, total_rest, divisor, divisor_rest, weigh, weighs = parts
    scale = 1 / Fraction(weigh)
    return _Parts(
        exact.times(exact.pair(total, total_rest), scale),
        exact.times(exact.pair(divisor, divisor_rest), scale),
        bool(weighs),
    )


def _reduced(loss: Any, reduction: str) -> Any:
    """Return the loss with another reduction, bound to the same further inputs."""
    if loss.reduction == reduction:
        return loss
    given = loss.__dict__.get("_given")
    changed = loss._changed({"reduction": reduction})
    return changed if given is None else changed._bound(given)


def _class_scale(loss: Any, arrays: Arrays) -> Fraction:
    """Return what class weights were divided by for a mean."""
    given = getattr(loss, "class_weight", None)
    if given is None:
        return Fraction(1)
    weights = checks.class_weights(given, arrays.predictions[0].shape[-1])
    assert weights is not None
    return Fraction(2) ** int(np.frexp(weights.max())[1])


def _exponent(weight: Array | None) -> int:
    """Return that of the largest weight, by which squares stay in range."""
    if weight is None:
        return 0
    peak = float(np.max(np.abs(weight), initial=0))
    return math.frexp(peak)[1] if 0 < peak < math.inf else 0


def _samples(
    loss: Loss, arrays: Arrays, weight: Array | None, exponent: int
) -> Iterator[tuple[Array, Array | None]]:
    """Yield w l and what a mean counts, w, both times 2^exponent, of some samples.

    None: all count 1.
    """
    each = _reduced(loss, "none")
    shares = each._shares(arrays)
    alive = None if weight is None else weight != 0
    work = each._work(0, arrays, alive)
    for at in _slices(arrays):
        some = arrays._replace(
            labels=tuple(labels[at] for labels in arrays.labels),
            predictions=tuple(predictions[at] for predictions in arrays.predictions),
        )
        extra = work.extra if arrays.extra else tuple(x[at] for x in work.extra)
        flags = None if alive is None else alive[at]
        dtype = some.predictions[0].dtype.newbyteorder("=")
        values = np.empty(np.broadcast_to(0, arrays.samples)[at].shape, dtype)
        some_work = work._replace(extra=extra)
        each._engine(job.VALUE, some, flags, some_work, values, (), ())
        values = values.astype(np.float64)
        counts = None if shares is None else shares[at].astype(np.float64)
        if weight is not None:
            scaled = np.ldexp(weight[at].astype(np.float64), exponent)
            values = np.multiply(values, scaled, where=flags, out=np.zeros_like(values))
            if counts is not None:
                scaled = np.where(scaled != 0, scaled * counts, 0)
            counts = scaled
        yield values, counts


def _slices(arrays: Arrays) -> Iterator[Any]:
    """Yield parts of the leading axis, if samples lie along it."""
    if arrays.extra or not arrays.samples:
        yield ...
        return
    step = max(1, _AT_ONCE // max(1, math.prod(arrays.samples[1:])))
    for start in range(0, arrays.samples[0], step):
        yield slice(start, start + step)
