"""What a loss object shows and does beyond the built-in ones if it is a custom one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastloss.core import _bridge, checks
from fastloss.core.job import (
    GRAD_HESS,
    OUTPUT_SETS,
    PRODUCT,
    VALUE,
    Array,
    Arrays,
    Work,
)
from fastloss.core.registry import Row

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fastloss._custom.compiler import TracedCompiler
    from fastloss._custom.cost import Cost
    from fastloss._custom.expressions import Expressions
    from fastloss._custom.untraced import NumpyCompiler
    from fastloss._formula import Formula

#: In place of a row of the registry.
_ROW = Row("custom", "custom", "element", ("real",), ("real",), ())
_CLASSES = Row("custom", "custom", "row", ("class",), ("real",), ())


class CustomFace(_bridge.Kernel):
    """The part of `Loss` that concerns custom losses."""

    _compiler: ClassVar[TracedCompiler | NumpyCompiler | None] = None
    inputs: ClassVar[tuple[str, ...]] = ()
    reduction: str
    _row: ClassVar[Row] = _ROW
    _numbers: ClassVar[tuple[float, ...]] = ()
    _programs: dict[tuple[int, int], Any]  # by version of the compiler and outputs

    @property
    def formula(self) -> Formula:
        """The loss per sample as text; ``.latex`` for typesetting."""
        return self._formula("value")

    @property
    def gradient_formula(self) -> Formula:
        """Its first derivative with respect to ``y_pred``."""
        return self._formula("grad")

    @property
    def hessian_formula(self) -> Formula:
        """Its second derivative with respect to ``y_pred``."""
        return self._formula("hess")

    @property
    def cost(self) -> dict[str, Cost]:
        """Cost of the programs for each set of outputs. Custom losses."""
        from fastloss._custom.cost import Cost

        compiler, parameters = self._compiler_of(), self._own_parameters()
        return {
            "_and_".join(names): Cost.of(compiler.lowered(parameters, names))
            for names in OUTPUT_SETS
            if names != PRODUCT  # which runs that of gradient and Hessian
        }

    @property
    def listing(self) -> Callable[..., str]:
        """``listing("value", "grad")``: the program, a step a line. Custom losses."""
        compiler, parameters = self._compiler_of(), self._own_parameters()
        return lambda *names: str(compiler.lowered(parameters, names))

    def _formula(self, name: str) -> Formula:
        return self._compiler_of().formula(self._own_parameters(), name)

    def _compiler_of(self) -> TracedCompiler | NumpyCompiler:
        if self._compiler is None and self._row is _ROW:
            raise TypeError(
                f"{type(self).__name__} has no formula: give the class a method "
                "call(self, y_true, y_pred)"
            )
        if self._compiler is None:
            raise AttributeError(
                f"{type(self).__name__} runs a kernel in C, not a program: it has no "
                "cost and no listing"
            )
        return self._compiler

    def _own_parameters(self) -> dict[str, Any]:
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if field.name != "reduction"
        }

    def _bound(self, given: Mapping[str, Any]) -> Any:
        """Return this loss with its further inputs for one call."""
        missing = [name for name in self.inputs if name not in given]
        if missing:
            raise TypeError(
                f"{missing[0]} is missing: pass {missing[0]}=array, of the shape of "
                "y_pred, with each call"
            )
        copy = dataclasses.replace(self)  # type: ignore[type-var]
        object.__setattr__(copy, "_given", given)
        return copy

    def _program(self, outputs: int) -> Any:
        """Return the program for these outputs, compiled when first asked for."""
        compiler: Any = self._compiler
        if compiler.watches:
            compiler.look()
        key = compiler.version, outputs
        found = self._programs.get(key)
        if found is None:
            if len(self._programs) >= len(OUTPUT_SETS):  # of versions that are gone
                self._programs.clear()
            found = compiler.program(self._own_parameters(), outputs)
            self._programs[key] = found
        return found

    def _prepare(self) -> None:
        plain = self._is_plain()
        self.__dict__.update(_plain=plain, _programs={})
        self._bind(_bridge.CUSTOM, bool(plain), False, False, self.reduction, ())

    def _is_plain(self) -> bool | None:
        """Whether labels, predictions and parameters are all that a program needs.

        None: that is not known yet.
        """
        compiler = self._compiler_of()
        if not compiler.traced or self.inputs:
            return False
        try:
            found = compiler.expressions(self._own_parameters())
            plain = not (found.counts or found.of_rows or found.tables or found.heads)
            return plain and found.statistic is None
        except Exception:  # which the call will raise
            return None

    def _is_one_number(self) -> bool:
        """Whether it is a loss of sums, with one value for all samples."""
        compiler = self._compiler
        parameters = self._own_parameters()
        return compiler is not None and compiler.statistic(parameters) is not None

    def _formulas(self) -> Expressions | None:
        """What a trace found, if there is one."""
        compiler = self._compiler
        if compiler is None or not compiler.traced:
            return None
        return compiler.expressions(self._own_parameters())

    def _formulas_of_rows(self) -> Expressions | None:
        """What a trace found, if it is a loss of rows."""
        found = self._formulas()
        return found if found is not None and found.of_rows else None

    def _several(self) -> tuple[str, ...]:
        """What several predictions are called, if the function takes several."""
        compiler = self._compiler
        return () if compiler is None else compiler.heads(self._own_parameters())

    def _refuse_products_of_rows(self) -> None:
        """Programs of rows know the diagonal of their Hessian alone."""
        if self._formulas_of_rows() is not None:
            name = self.name  # type: ignore[attr-defined]
            raise TypeError(
                f"{name} is a custom loss of rows, whose program has the diagonal of "
                "the Hessian alone: there is no hvp; differences of two gradients are "
                "near the product"
            )

    def _head_arrays(
        self, heads: tuple[str, ...], y_true: ArrayLike, y_pred: Any
    ) -> Arrays:
        """Check several predictions, and labels of their shape."""
        given = checks.items("y_pred", y_pred, len(heads), heads)
        predictions = checks.predictions_alike(dict(zip(heads, given, strict=True)))
        shape = predictions[0].shape
        labels = checks.labels_like("y_true", y_true, heads[0], shape)
        return Arrays((labels,), predictions, shape, ("y_true", *heads))

    def _row_arrays(
        self, found: Expressions, y_true: ArrayLike, y_pred: ArrayLike
    ) -> Arrays:
        """Check rows of predictions, and labels of entries or of rows."""
        predictions = checks.predictions(y_pred)
        checks.rows(predictions)
        shape = predictions.shape
        if found.flat and len(shape) != 2:
            raise ValueError(
                f"y_pred has shape {shape}, two axes are expected: the function says "
                "axis=1 or shape[1]; axis=-1 is right for any number of axes"
            )
        if found.labels == "entries":
            labels = checks.elementwise_labels(y_true, predictions)
        elif found.classes:
            labels = checks.class_labels(y_true, predictions)
            self._check_tables(found, shape[-1])
        else:
            given = checks.labels_like("y_true", y_true, "rows of y_pred", shape[:-1])
            labels = np.broadcast_to(given[..., None], shape)
        row = _CLASSES if found.classes else _ROW
        self.__dict__.update(_row=row, _cannot_fail=not found.classes)
        return Arrays((labels,), (predictions,), shape[:-1])

    def _check_tables(self, found: Expressions, classes: int) -> None:
        """Lists that labels index have a number for each class."""
        parameters = self._own_parameters()
        for name in found.lists:
            if len(parameters[name]) < classes:
                raise ValueError(
                    f"{name} has {len(parameters[name])} numbers, y_pred {classes} "
                    f"classes: {name}[y_true] needs one for each"
                )

    def _work(self, outputs: int, arrays: Arrays, weight: Array | None) -> Work:
        """The program and the further arrays it reads."""
        compiler = self._compiler_of()
        several = len(arrays.predictions) > 1
        if OUTPUT_SETS[outputs] == PRODUCT and not several:
            outputs = OUTPUT_SETS.index(GRAD_HESS)
        if self.__dict__["_plain"] is None:
            self._prepare()
        if self.__dict__["_plain"]:
            return Work(_bridge.CUSTOM, self._program(outputs))
        y_true, y_pred = arrays.labels[0], arrays.predictions[0]
        given = self._given_like(y_pred)
        parameters = self._own_parameters()
        if self._is_one_number():
            extra = tuple(given[name] for name in self.inputs)
            return self._of_sums(outputs, arrays, weight, extra)
        extra, program = compiler.job(parameters, outputs, y_true, y_pred, given)
        if several:
            return Work(_bridge.CUSTOM, None, extra, by_head=program)
        return Work(_bridge.CUSTOM, program, extra)

    def _given_like(self, y_pred: Array) -> dict[str, Array]:
        """The further arrays of a call, checked."""
        if self.inputs and "_given" not in self.__dict__:
            self._bound({})
        return {
            name: checks.labels_like(name, array, "y_pred", y_pred.shape)
            for name, array in getattr(self, "_given", {}).items()
        }

    def _work_of_totals(self, arrays: Arrays) -> Work:
        """The arrays that the programs of a loss of sums read besides."""
        given = self._given_like(arrays.predictions[0])
        return Work(_bridge.CUSTOM, None, tuple(given[name] for name in self.inputs))

    def _of_sums(
        self,
        outputs: int,
        arrays: Arrays,
        weight: Array | None,
        extra: tuple[Array, ...],
    ) -> Work:
        """The value of a loss of sums, and the program of its gradient."""
        loss: Any = self
        compiler: Any = self._compiler
        parameters = self._own_parameters()
        reduction = compiler.statistic(parameters).reduction
        if self.reduction not in (reduction, type(self).reduction):
            raise ValueError(
                f"reduction={self.reduction!r}: {loss.name} is one number made of "
                "means and sums over the samples, and has no other: leave it out"
            )

        def measure(program: Any, kind: str) -> float:
            work = Work(_bridge.CUSTOM, program, extra, reduction=kind)
            total: float = loss._engine(VALUE, arrays, weight, work, None, (), ())
            return total

        shape = arrays.predictions[0].shape
        value, program = compiler.sums(parameters, outputs, shape, measure)
        return Work(_bridge.CUSTOM, program, extra, value, reduction)
