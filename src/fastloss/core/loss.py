"""The base class of every loss: parameters, reductions and the way to the engine."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, dataclass_transform

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss._custom.face import CustomFace, prepare
from fastloss.core import _bridge, checks
from fastloss.core.registry import DOMAINS, NUMBERS, REGISTRY, Row
from fastloss.core.threads import get_num_threads

__all__ = ["Advice", "Loss"]

Array = NDArray[Any]

# fl_output_set and fl_status of csrc/fastloss.h
_VALUE, _GRAD, _VALUE_GRAD, _GRAD_HESS = range(4)
_OK, _BAD_INPUT, _BAD_WEIGHTS, _CHANGED = range(4)
_STOPPED, _NO_MEMORY, _BAD_LABEL_SUM = range(4, 7)


@dataclass(frozen=True)
class Advice:
    """What `fastloss.guide` says about a loss, in a phrase each."""

    task: str
    labels: str
    activation: str
    strengths: str
    weaknesses: str
    when: str


_VARIANTS = 1024
_variants: dict[Any, Loss] = {}


@dataclass_transform(kw_only_default=True, frozen_default=True)
@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class Loss(CustomFace, _bridge.Kernel):
    """A loss function: immutable, hashable, comparable, picklable.

    Calling it gives the value, its methods the derivatives with respect to `y_pred`.
    Annotated attributes of a subclass become keyword-only parameters; a keyword given
    to a call overrides one for that call. A subclass with a method
    ``call(self, y_true, y_pred)`` is a custom loss (see `fastloss.custom`).

    Parameters
    ----------
    reduction : {"mean", "sum", "none", "sum_over_batch_size"}
        With per-sample losses l and weights w (1 if not given): sum(w l)/sum(w),
        sum(w l), w l per sample, or sum(w l)/N. Derivatives are of the reduced value.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    logits_aliases: ClassVar[tuple[str, ...]] = ()  # of the loss with from_logits=True
    advice: ClassVar[Advice]

    _key: ClassVar[Any]  # of each loss: what equal ones share

    reduction: str = "mean"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if hasattr(cls, "call"):
            prepare(cls)
        dataclass(frozen=True, kw_only=True, repr=False, eq=False)(cls)

    def __post_init__(self) -> None:
        checks.one_of("reduction", self.reduction, _bridge.REDUCTIONS)
        self._validate()
        self._set(
            "_key", (type(self), checks.key(tuple(self._parameters_of().values())))
        )
        if self._compiler is not None:
            runs_alone = self._compiler.traced and not self.inputs
            fast = runs_alone and self.reduction != "none"
            self._bind(_bridge.CUSTOM, fast, False, False, self.reduction, ())
            return
        fast = self.reduction != "none" and not self._uses_engine_options
        row = self._row
        self._bind(
            NUMBERS[self.kernel],
            fast,
            row.kind == "row",
            row.sparse,
            self.reduction,
            self._numbers(),
        )

    def _validate(self) -> None:
        """Check the parameters and bring them to their final form."""

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def _uses_engine_options(self) -> bool:
        """Whether more than the kernel's own parameters is set; no fast lane then."""
        return False

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return self.name + ("_logits" if getattr(self, "from_logits", False) else "")

    @property
    def _row(self) -> Row:
        if self._compiler is not None:
            return Row(self.name, "custom", "element", ("real",), ("real",), ())
        return REGISTRY[NUMBERS[self.kernel]]

    def _numbers(self) -> tuple[float, ...]:
        """The parameters the kernel takes; None is told as -1."""
        values = (getattr(self, name) for name in self._row.parameters)
        return tuple(-1.0 if value is None else float(value) for value in values)

    def __repr__(self) -> str:
        shown = []
        for field in sorted(fields(self), key=lambda f: f.name == "reduction"):
            value = getattr(self, field.name)
            if field.name != "reduction" or value != "mean":
                shown.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and bool(self._key == other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self._parameters_of())

    def _parameters_of(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def _with(self, parameters: dict[str, Any]) -> Loss:
        if self.inputs:
            given = {k: v for k, v in parameters.items() if k in self.inputs}
            rest = {k: v for k, v in parameters.items() if k not in self.inputs}
            bound: Loss = self._changed(rest)._bound(given)
            return bound
        return self._changed(parameters)

    def _changed(self, parameters: dict[str, Any]) -> Loss:
        if not parameters:
            return self
        key = self._key, checks.key(tuple(parameters.items()))
        try:
            variant = _variants.get(key)
        except TypeError:  # unhashable, as a list of class weights
            return self._replaced(parameters)
        if variant is None:
            variant = self._replaced(parameters)
            if len(_variants) >= _VARIANTS:
                _variants.clear()
            _variants[key] = variant
        return variant

    def _replaced(self, parameters: dict[str, Any]) -> Loss:
        known = self._parameters_of()
        for name in parameters:
            if name not in known:
                raise TypeError(
                    f"{type(self).__name__} has no parameter {name!r}; "
                    f"it has {', '.join(sorted(known))}"
                )
        return replace(self, **parameters)

    def _value(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        out: Any,
    ) -> Any:
        if out is not None and self.reduction != "none":
            raise ValueError(
                'out= of a value holds one value per sample: use reduction="none", '
                f"the value of {self.reduction!r} is a float"
            )
        return self._run(_VALUE, y_true, y_pred, sample_weight, out, None, None)[0]

    def _grad(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        out: Any,
    ) -> Array:
        results = self._run(_GRAD, y_true, y_pred, sample_weight, None, out, None)
        grad: Array = results[1]
        return grad

    def _value_and_grad(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        out: Any,
    ) -> tuple[Any, Array]:
        values = None
        if self.reduction == "none" and not isinstance(out, np.ndarray):
            values, out = checks.pair("(values, gradient)", out)
        value, grad, _ = self._run(
            _VALUE_GRAD, y_true, y_pred, sample_weight, values, out, None
        )
        return value, grad

    def _grad_and_hess(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        out: Any,
    ) -> tuple[Array, Array]:
        grad, hess = checks.pair("(gradient, hessian)", out)
        _, grad, hess = self._run(
            _GRAD_HESS, y_true, y_pred, sample_weight, None, grad, hess
        )
        return grad, hess

    def _run(
        self,
        outputs: int,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        value_out: Any,
        grad_out: Any,
        hess_out: Any,
    ) -> tuple[Any, Any, Any]:
        """Check, run the engine, and put the results where they belong."""
        row = self._row
        classes = row.sparse
        predictions = checks.predictions(y_pred)
        if row.kind == "element":
            samples = predictions.shape
            labels = checks.elementwise_labels(y_true, predictions)
        else:
            checks.rows(predictions)
            samples = predictions.shape[:-1]
            to_labels = checks.class_labels if classes else checks.label_weights
            labels = to_labels(y_true, predictions)
        weight = checks.weights(sample_weight, samples)
        empty = checks.is_empty(predictions, self.reduction)
        extra, program = (
            ((), None) if empty else self._job(outputs, labels, predictions)
        )
        inputs = [a for a in (labels, predictions, weight, *extra) if a is not None]
        cannot_fail = row.labels == row.predictions == ("real",)
        targets = _Targets(predictions, inputs, in_place=cannot_fail)
        want_values = outputs in (_VALUE, _VALUE_GRAD) and self.reduction == "none"
        value = targets.add("out", value_out, samples) if want_values else None
        grad = targets.add("out", grad_out) if outputs != _VALUE else None
        hess = targets.add("out", hess_out) if outputs == _GRAD_HESS else None

        if empty:
            result = targets.result(value) if want_values else 0.0
            return result, targets.result(grad), targets.result(hess)

        smoothing = 0.0 if row.kind == "element" else self._row_smoothing()
        kernel = self.kernel
        if classes and smoothing:
            kernel = kernel.removeprefix("sparse_")
        total, status, offender, index, number = _bridge.run(
            _bridge.CUSTOM if program is not None else NUMBERS[kernel],
            outputs,
            _bridge.REDUCTIONS.index(self.reduction),
            (labels,),
            (predictions,),
            extra,
            weight,
            value,
            (grad,),
            (hess,),
            self._numbers(),
            row.labels == ("sign",),
            smoothing,
            self._class_weights(predictions.shape),
            getattr(self, "ignore_class", None),
            getattr(self, "label_sum", "one") == "any",
            get_num_threads(),
            program,
        )
        if status != _OK:
            self._raise(status, offender, index, number, labels, predictions)
        targets.finish()
        result = targets.result(value) if want_values else total
        return result, targets.result(grad), targets.result(hess)

    def _row_smoothing(self) -> float:
        return float(getattr(self, "label_smoothing", 0.0))

    def _class_weights(self, shape: tuple[int, ...]) -> Array | None:
        given = getattr(self, "class_weight", None)
        weights = None if given is None else checks.class_weights(given, shape[-1])
        if weights is None or self.reduction != "mean":
            return weights
        # The mean does not change by a power of 2; the largest weight becomes one that
        # no product with a loss or a sample weight takes out of range.
        _, exponent = np.frexp(weights.max())
        scaled: Array = np.ldexp(weights, -exponent)
        return scaled

    def _raise(
        self,
        status: int,
        offender: int,
        index: int,
        number: float,
        y_true: Array,
        y_pred: Array,
    ) -> None:
        row = self._row
        if status == _BAD_INPUT:
            name, array = (("y_true", y_true), ("y_pred", y_pred))[offender]
            expected = DOMAINS[(row.labels + row.predictions)[offender]].format(
                classes=y_pred.shape[-1]
            )
            raise ValueError(f"{checks.element(name, array, index)} {expected}")
        if status == _BAD_LABEL_SUM:
            where = checks.at("y_true", index, y_true.shape[:-1])
            raise ValueError(
                f"the row {where} sums to {number:.7g}, not to 1: for labels that are "
                'no distribution over the classes pass label_sum="any"; for several '
                "yes-or-no labels a sample use binary_crossentropy"
            )
        if status == _BAD_WEIGHTS:
            raise ValueError(
                "sample_weight sums to 0 although not all weights are 0: there is no "
                'mean; use reduction="sum"'
            )
        if status == _CHANGED:
            raise ValueError(
                "y_true or y_pred held a value outside its domain and was changed by "
                "another thread during the call"
            )
        if status == _NO_MEMORY:
            size = f"a row of {y_pred.shape[-1]} classes"
            raise MemoryError(
                f"no memory for {'a block' if row.kind == 'elementwise' else size}"
            )
        raise RuntimeError(f"the engine stopped with status {status}")


class _Targets:
    """Where results go: given arrays, new ones, or stand-ins for overlapping ones."""

    def __init__(self, like: Array, inputs: list[Array], *, in_place: bool) -> None:
        self._like = like
        self._inputs = inputs
        self._in_place = in_place
        self._given: list[tuple[Array, Array, Array]] = []

    def add(self, name: str, out: Any, shape: tuple[int, ...] | None = None) -> Array:
        """Return the array that the engine writes to."""
        shape = self._like.shape if shape is None else shape
        if out is None:
            return np.empty(shape, dtype=self._like.dtype.newbyteorder("="))
        view = checks.output(name, out, shape)
        if any(checks.share_memory(view, other) for _, other, _ in self._given):
            raise ValueError(f"{name}: the arrays of the pair share memory")
        spoils = any(self._collides(view, other) for other in self._inputs)
        array = np.empty(shape, dtype=view.dtype) if spoils else view
        self._given.append((array, view, out))
        return array

    def _collides(self, out: Array, other: Array) -> bool:
        """Whether writing `out` block by block could spoil `other`."""
        if not checks.share_memory(out, other):
            return False
        same = (
            out.__array_interface__["data"][0] == other.__array_interface__["data"][0]
            and out.strides == other.strides
            and out.shape == other.shape
            and out.dtype == other.dtype
        )
        return not (same and self._in_place)

    def finish(self) -> None:
        """Copy from the stand-ins."""
        for array, view, _ in self._given:
            if array is not view:
                np.copyto(view, array)

    def result(self, array: Array | None) -> Any:
        """What was given for an array the engine wrote to, or that array."""
        for written, _, out in self._given:
            if written is array:
                return out
        return array


def _rebuild(cls: type[Loss], parameters: dict[str, Any]) -> Loss:
    return cls(**parameters)
