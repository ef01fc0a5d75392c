"""The kind of which a sample may have several predictions, one for each level."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import checks, job
from fastloss.core.job import Array, Arrays
from fastloss.core.kinds.elements import Elementwise
from fastloss.core.outputs import Outputs

if TYPE_CHECKING:
    from fastloss._formula import Formula

__all__ = ["Levels"]


class Levels(Elementwise):
    """A sample is an entry, or, of several levels, a row of predictions of one label.

    The parameter `_level` is a number in (0, 1) or a tuple of these, of which each has
    a column of `y_pred`. The loss of a row is the sum of those of its levels.
    """

    _level: ClassVar[str]
    _levels: ClassVar[tuple[Elementwise, ...]] = ()  # of each loss

    def _validate(self) -> None:
        super()._validate()
        name, given = self._level, getattr(self, self._level)
        if isinstance(given, tuple | list):
            if not given:
                raise ValueError(f"{name} = () has no level: give a number, or some")
            levels = [
                checks.number(f"{name}[{k}]", level, 0, 1, open_low=True)
                for k, level in enumerate(given)
            ]
            self._set(name, tuple(levels))
        else:
            self._set(name, checks.number(name, given, 0, 1, open_low=True))

    def _prepare(self) -> None:
        given = getattr(self, self._level)
        if isinstance(given, tuple):
            levels = tuple([replace(self, **{self._level: level}) for level in given])
            first = levels[0]
            self.__dict__.update(
                _levels=levels, _row=first._row, _numbers=first._numbers
            )
            self._bind(0, False, False, False, self.reduction, ())  # no fast lane
        else:
            super()._prepare()

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters, of one level."""
        self._refuse_several()
        return super().kernel

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        self._refuse_several()  # partial sums, diagnoses
        return super()._arrays(y_true, y_pred)

    def _refuse_several(self) -> None:
        if self._levels:
            raise TypeError(
                f"{self!r} has no kernel of its own, each level runs one: ask for the "
                f"levels one by one, such as {type(self).__name__}({self._level}=0.5)"
            )

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-1] if self._levels else shape

    def _evaluate(
        self,
        wanted: tuple[str, ...],
        arguments: tuple[Any, ...],
        sample_weight: ArrayLike | None,
        out: Any,
        v: Any = None,
    ) -> Any:
        """Of several levels the parts of all, each of a column."""
        if not self._levels:
            return super()._evaluate(wanted, arguments, sample_weight, out, v)
        y, x = self._rows_of(*arguments)
        weight = checks.weights(sample_weight, y.shape)
        vectors = () if v is None else (checks.labels_like("v", v, "y_pred", x.shape),)
        value_out, *derivative_outs = self._outs(wanted, out)
        read = [y, x, *vectors] if weight is None else [y, x, *vectors, weight]
        outputs = Outputs(read, x.dtype, False)
        each = "value" in wanted and self.reduction == "none"
        total = outputs.add(value_out, y.shape) if each else None
        count = len(wanted) - ("value" in wanted)
        derivatives = [outputs.add(o, x.shape) for o in derivative_outs[:count]]
        values: list[Any] = []
        for k, level in enumerate(self._levels):
            column = tuple(array[..., k] for array in derivatives)
            given: Any = column[0] if len(column) == 1 else column or None
            if wanted == job.VALUE_GRAD and each:
                given = (None, *column)
            along = vectors[0][..., k] if vectors else None
            found = level._evaluate(wanted, (y, x[..., k]), weight, given, along)
            part = found[0] if "value" in wanted and column else found
            if total is None:
                values.append(part)
            elif k == 0:
                total[...] = part
            else:
                total += part
        outputs.finish()
        results: list[Any] = [outputs.result(array) for array in derivatives]
        if "value" in wanted:
            value = math.fsum(values) if total is None else outputs.result(total)
            results.insert(0, value)
        return results[0] if len(results) == 1 else tuple(results)

    def _rows_of(self, y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
        """Labels, and predictions of all levels."""
        predictions = checks.predictions(y_pred)
        shape, count = predictions.shape, len(self._levels)
        if shape[-1:] != (count,):
            raise ValueError(
                f"y_pred has shape {shape}: its last axis must be the {count} levels "
                f"of {self._level} = {getattr(self, self._level)}"
            )
        labels = checks.labels_like("y_true", y_true, "rows of y_pred", shape[:-1])
        return labels, predictions

    def initial(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """The constant prediction that the loss is least with, one for each level."""
        if not self._levels:
            return super().initial(y_true, sample_weight)
        return np.array([of.initial(y_true, sample_weight) for of in self._levels])

    def _formula(self, name: str) -> Formula:
        if self._levels:
            raise AttributeError(
                f"{self!r} is a formula for each of its levels: ask "
                f"{self._levels[0]._expression()} for its own"
            )
        return super()._formula(name)
