"""The base class of every loss: parameters, reductions and the way to the engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, ParamSpec, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from fastloss.core import _bridge, checks, job
from fastloss.core.face import CustomFace
from fastloss.core.job import (
    Array,
    Arrays,
    Finding,
    Status,
    TargetOptions,
    Work,
)
from fastloss.core.outputs import Outputs
from fastloss.core.parameters import Parameters
from fastloss.core.registry import DOMAINS
from fastloss.core.threads import get_num_threads

if TYPE_CHECKING:
    from fastloss.core.partial import Partial

__all__ = ["Loss"]


P = ParamSpec("P")


class _Call(Protocol[P]):
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Any: ...


_VARIANTS = 64  # class weights of 32 000 classes are a megabyte each
_variants: dict[Any, Loss] = {}

#: For arrays without samples.
_NONE = Work(-1)


class Loss(CustomFace, Parameters):
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

    # Of each loss: what equal ones share, and whether no number is outside its domain.
    _key: ClassVar[Any]
    _cannot_fail: ClassVar[bool]

    reduction: str = "mean"

    if TYPE_CHECKING:  # of `Kernel`: methods take what the call of their class takes

        def __call__(self, *arguments: Any, **parameters: Any) -> Any:
            """Value of the loss."""

        @property
        def grad(self: _Call[P]) -> Callable[P, Any]:
            """Gradient of the reduced value."""

        @property
        def value_and_grad(self: _Call[P]) -> Callable[P, tuple[Any, Any]]:
            """Value and gradient in one pass."""

        @property
        def grad_and_hess(self: _Call[P]) -> Callable[P, tuple[Any, Any]]:
            """Gradient and diagonal of the Hessian."""

    def __init_subclass__(cls) -> None:
        if hasattr(cls, "call"):
            from fastloss._custom.classes import prepare

            prepare(cls)
        super().__init_subclass__()

    def __post_init__(self) -> None:
        checks.one_of("reduction", self.reduction, _bridge.REDUCTIONS)
        self._validate()
        parameters = tuple(self._parameters_of().values())
        self._set("_key", (type(self), checks.key(parameters)))
        self._prepare()
        domains = {*self._row.labels, *self._row.predictions}
        self._set("_cannot_fail", domains == {"real"})

    def _validate(self) -> None:
        """Check the parameters and bring them to their final form."""

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def kernel(self) -> str:
        """Name of the kernel that runs these parameters."""
        return self.name

    def __repr__(self) -> str:
        shown = []
        for field in sorted(fields(self), key=lambda f: f.name == "reduction"):
            value = getattr(self, field.name)
            if field.name != "reduction" or value != "mean":
                shown.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def _expression(self) -> str:
        """What to type for it: the parameters that are no defaults."""
        given = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) != field.default
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def _repr_html_(self) -> str:
        from fastloss._html import document, table, tag

        parameters = [
            (field.name, repr(getattr(self, field.name))) for field in fields(self)
        ]
        return document(
            tag("p", tag("code", self._expression())),
            table((), [*self._described(), *parameters]),
        )

    def _described(self) -> list[tuple[str, str]]:
        """What its HTML says before the parameters."""
        from fastloss._html import tag

        if self._compiler is not None and not self._compiler.traced:
            return []  # a function that runs as NumPy
        return [("formula", tag("code", self.formula))]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loss) and bool(self._key == other._key)

    def __hash__(self) -> int:
        return hash(self._key)

    if not TYPE_CHECKING:  # which would take it for that of the class
        __name__ = property(lambda self: self.name, doc="As of a function.")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._compiler is None:
            return _rebuild, (type(self), self._parameters_of())
        from fastloss._custom.journey import reduced_class

        return reduced_class(self, self._parameters_of())

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
        except TypeError:  # unhashable, as a mapping of class weights
            return replace(self, **parameters)
        if variant is None:
            variant = replace(self, **parameters)
            if len(_variants) >= _VARIANTS:
                _variants.clear()
            _variants[key] = variant
        return variant

    def _value(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        out: Any,
    ) -> Any:
        return self._evaluate(job.VALUE, (y_true, y_pred), sample_weight, out)

    def _grad(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        out: Any,
    ) -> Any:
        return self._evaluate(job.GRAD, (y_true, y_pred), sample_weight, out)

    def _value_and_grad(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        out: Any,
    ) -> Any:
        return self._evaluate(job.VALUE_GRAD, (y_true, y_pred), sample_weight, out)

    def _grad_and_hess(
        self,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        sample_weight: ArrayLike | None,
        out: Any,
    ) -> Any:
        return self._evaluate(job.GRAD_HESS, (y_true, y_pred), sample_weight, out)

    def hvp(
        self,
        y_true: Any,
        y_pred: Any,
        v: Any,
        *,
        sample_weight: ArrayLike | None = None,
        out: Any = None,
        **parameters: Any,
    ) -> Any:
        """Product of the Hessian of the reduced value with a vector, in one pass.

        The Hessian is that with respect to `y_pred`, whole: of a row of logits with all
        pairs of its entries, of several heads with what two of them have in common. An
        entry whose row of the Hessian is a 0 on the diagonal alone is 0, whatever `v`
        holds there.

        Parameters
        ----------
        y_true, y_pred, sample_weight
            As in a call.
        v : array_like
            Of the shape of `y_pred`; of several heads a tuple, as these are.
        out : ndarray, optional
            Takes the result; of several heads a tuple.
        **parameters
            Override those of the loss.

        Returns
        -------
        numpy.ndarray
            Of the shape of `y_pred`; of several heads a tuple.

        Raises
        ------
        AttributeError
            If samples of the loss are bound together, as in batches and groups.
        TypeError
            If it is a custom loss of sums or of rows.

        Examples
        --------
        >>> import fastloss as fl
        >>> fl.mse.hvp([1.0, 2.0], [0.5, 1.0], [3.0, -1.0], reduction="sum")
        array([ 6., -2.])
        >>> fl.scce.hvp([0], [[0.0, 0.0]], [[1.0, 0.0]], from_logits=True)
        array([[ 0.25, -0.25]])
        """
        loss: Any = self._with(parameters)
        return loss._evaluate(job.PRODUCT, (y_true, y_pred), sample_weight, out, v)

    def _evaluate(
        self,
        wanted: tuple[str, ...],
        arguments: tuple[Any, ...],
        sample_weight: ArrayLike | None,
        out: Any,
        v: Any = None,
    ) -> Any:
        """Check, run the engine, and put the results where they belong.

        `v` is what a product is with.
        """
        value_out, grad_out, hess_out = self._outs(wanted, out)
        arrays = self._arrays(*arguments)
        weight = checks.weights(sample_weight, arrays.samples)
        empty = checks.is_empty(arrays.predictions[0], self.reduction)
        product = wanted == job.PRODUCT
        vectors = self._vectors(v, arrays) if product else ()
        number = job.OUTPUT_SETS.index(wanted)
        work = _NONE if empty else self._work(number, arrays, weight)
        work = work._replace(extra=work.extra + vectors)
        inputs = [*arrays.labels, *arrays.predictions, *work.extra]
        if weight is not None:
            inputs.append(weight)
        in_place = self._cannot_fail and not product and not work.by_head
        outputs = Outputs(inputs, arrays.predictions[0].dtype, in_place)
        value = None
        grads: tuple[Array, ...] = ()
        hesses: tuple[Array, ...] = ()
        if "value" in wanted and self.reduction == "none":
            value = outputs.add(value_out, arrays.samples)
        if "grad" in wanted or product:
            grads = self._derivatives(outputs, grad_out, arrays)
        if "hess" in wanted:
            hesses = self._derivatives(outputs, hess_out, arrays)
        total = 0.0
        if work.value is not None:
            total = work.value
            if grads:
                self._engine(job.GRAD, arrays, weight, work, None, grads, ())
        elif not empty:
            total = self._engine(wanted, arrays, weight, work, value, grads, hesses)
        elif value is not None:
            value[...] = 0  # of samples without entries
        outputs.finish()
        results = []
        if "value" in wanted:
            results.append(total if value is None else outputs.result(value))
        for derivatives in (grads, hesses):
            if derivatives:
                given = tuple(map(outputs.result, derivatives))
                results.append(self._as_given(given))
        return results[0] if len(results) == 1 else tuple(results)

    def _outs(self, wanted: tuple[str, ...], out: Any) -> tuple[Any, Any, Any]:
        """What was given to take values, gradient and Hessian."""
        if wanted == job.VALUE:
            if out is not None and self.reduction != "none":
                raise ValueError(
                    "out= of a value holds one value per sample: use "
                    f'reduction="none", the value of {self.reduction!r} is a float'
                )
            return out, None, None
        if wanted == job.GRAD_HESS:
            return None, *checks.pair("(gradient, hessian)", out)
        values = wanted == job.VALUE_GRAD and self.reduction == "none"
        if values and not isinstance(out, np.ndarray):
            return *checks.pair("(values, gradient)", out), None
        return None, out, None

    def _vectors(self, v: Any, arrays: Arrays) -> tuple[Array, ...]:
        """What a product is with, one for each prediction."""
        self._refuse_products_of_rows()
        count = len(arrays.predictions)
        given = (v,) if count == 1 else checks.items("v", v, count)
        names = arrays.names[-count:]
        return tuple(
            checks.labels_like(
                "v" if count == 1 else f"v[{k}]", vector, name, prediction.shape
            )
            for k, (vector, name, prediction) in enumerate(
                zip(given, names, arrays.predictions, strict=True)
            )
        )

    def _derivatives(
        self, outputs: Outputs, out: Any, arrays: Arrays
    ) -> tuple[Array, ...]:
        outs: tuple[Any, ...] = (None,) * len(arrays.predictions)
        if out is not None:
            outs = self._outs_by_prediction(out)
        return tuple(
            [
                outputs.add(out, prediction.shape)
                for out, prediction in zip(outs, arrays.predictions, strict=True)
            ]
        )

    def _engine(
        self,
        wanted: tuple[str, ...],
        arrays: Arrays,
        weight: Array | None,
        work: Work,
        value: Array | None,
        grads: tuple[Array, ...],
        hesses: tuple[Array, ...],
        parts: list[float] | None = None,
    ) -> float:
        """Run the job and return its value, or raise what it found."""
        if work.by_head:
            return self._by_head(
                wanted, arrays, weight, work, value, grads, hesses, parts
            )
        total, status, offender, place, number = _bridge.run(
            work.loss,
            job.OUTPUT_SETS.index(wanted),
            _bridge.REDUCTIONS.index(work.reduction or self.reduction),
            arrays.labels,
            arrays.predictions,
            work.extra,
            weight,
            value,
            grads,
            hesses,
            self._numbers,
            self._row.labels == ("sign",),
            *self._target_options(arrays),
            get_num_threads(),
            work.program,
            parts,
        )
        if status != Status.OK:
            self._raise(Finding(status, offender, place, number), arrays)
        return total

    def _by_head(
        self,
        wanted: tuple[str, ...],
        arrays: Arrays,
        weight: Array | None,
        work: Work,
        value: Array | None,
        grads: tuple[Array, ...],
        hesses: tuple[Array, ...],
        parts: list[float] | None,
    ) -> float:
        """Run a job for each prediction, to which the others are further inputs."""
        first, *others = arrays.predictions
        arrays = arrays._replace(predictions=(first,), names=arrays.names[:2])
        extra = (*others, *work.extra)
        total = 0.0
        for k, program in enumerate(work.by_head):
            each = work._replace(program=program, extra=extra, by_head=())
            mine = grads[k : k + 1], hesses[k : k + 1]
            if k == 0:
                names = job.GRAD if wanted == job.PRODUCT else wanted
                total = self._engine(names, arrays, weight, each, value, *mine, parts)
            else:
                names = job.GRAD_HESS if hesses else job.GRAD
                self._engine(names, arrays, weight, each, None, *mine)
        return total

    def partial(
        self,
        y_true: Any,
        y_pred: Any,
        *,
        sample_weight: ArrayLike | None = None,
        squares: bool = True,
        **parameters: Any,
    ) -> Partial:
        """The state of a part of the samples, which merges with that of others.

        Parameters
        ----------
        y_true, y_pred, sample_weight, **parameters
            As in a call.
        squares : bool, optional
            Whether to add up what `Partial.standard_error` needs, too, which takes a
            second pass.

        Returns
        -------
        Partial

        Examples
        --------
        >>> import fastloss as fl
        >>> days = [([0.0, 1.0], [0.5, 1.0]), ([2.0], [4.0])]
        >>> sum(fl.mae.partial(y, p) for y, p in days).value()
        0.8333333333333334
        """
        loss = self._with(parameters)
        return loss._partial((y_true, y_pred), sample_weight, squares)

    def _partial(
        self,
        arguments: tuple[Any, ...],
        sample_weight: ArrayLike | None,
        squares: bool,
    ) -> Partial:
        from fastloss.core.partial import Partial

        return Partial._of(self, arguments, sample_weight, squares)

    def initial(self, y_true: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """The constant prediction that the loss is least with.

        A model that has learned something is better than that, and a booster begins
        there.

        Parameters
        ----------
        y_true, sample_weight : array_like
            As in a call.

        Returns
        -------
        float or numpy.ndarray
            One number, or one for each class. Of an element-wise loss it is where the
            sum of the gradients changes its sign: the least value if the loss is
            convex, a stationary one if not.

        Examples
        --------
        >>> import fastloss as fl
        >>> round(fl.mae.initial([1.0, 2.0, 10.0]), 6)
        2.0
        >>> round(fl.bce.initial([0, 1, 1, 1]), 6)
        0.75
        """
        from fastloss.core.initial import constant

        return constant(self, y_true, sample_weight)

    def as_rho(self) -> Callable[[ArrayLike], Array]:
        """The loss as `scipy.optimize.least_squares` takes it: `fastloss.scipy.rho`.

        Examples
        --------
        >>> import fastloss as fl
        >>> fl.Cauchy(c=1.0).as_rho()([0.0, 1.0]).round(3)
        array([[ 0.   ,  0.693],
               [ 1.   ,  0.5  ],
               [ 0.   , -0.25 ]])
        """
        from fastloss.scipy import rho

        return rho(self)

    def plot(self, y_true: Any = None, y_pred: Any = None, **options: Any) -> Any:
        """Draw value, gradient and Hessian over a prediction: `fastloss.plot.loss`.

        Parameters
        ----------
        y_true, y_pred : array_like, optional
            Labels to draw, and predictions to draw them over.
        **options
            ``outputs``, ``axes`` and parameters of the loss.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from fastloss.plot import loss

        return loss(self, y_true, y_pred, **options)

    # What a kind says; here for one label and one prediction per sample.

    def _arrays(self, y_true: ArrayLike, y_pred: ArrayLike) -> Arrays:
        """Check the arguments of a call."""
        found = self._formulas()
        if found is not None and found.of_rows:
            return self._row_arrays(found, y_true, y_pred)
        if found is not None and found.heads:
            return self._head_arrays(self._several(), y_true, y_pred)
        predictions = checks.predictions(y_pred)
        labels = checks.elementwise_labels(y_true, predictions)
        return Arrays((labels,), (predictions,), self._samples(predictions.shape))

    def _samples(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the losses for predictions of this shape."""
        return shape if self._formulas_of_rows() is None else shape[:-1]

    @property
    def _takes_logarithms(self) -> bool:
        """Whether predictions are logarithms of means or of probabilities."""
        return bool(getattr(self, "log_input", False))

    def _count(self, arrays: Arrays) -> int:
        """How many samples there are, without ignored ones."""
        return math.prod(arrays.samples)

    def _shares(self, arrays: Arrays) -> Array | None:
        """What each sample counts in a mean, beside its weight; None: 1."""
        return None

    def _target_options(self, arrays: Arrays) -> TargetOptions:
        return TargetOptions()

    def _outs_by_prediction(self, out: Any) -> tuple[Any, ...]:
        """What was given to take a derivative, one for each prediction."""
        count = len(self._several())
        return checks.items("out of a derivative", out, count) if count else (out,)

    def _as_given(self, derivatives: tuple[Array, ...]) -> Any:
        """A derivative in the form in which the predictions were given."""
        return derivatives[0] if len(derivatives) == 1 else derivatives

    def _raise(self, found: Finding, arrays: Arrays) -> NoReturn:
        """Say what the engine found."""
        if found.status == Status.BAD_INPUT:
            name = arrays.names[found.offender]
            array = (*arrays.labels, *arrays.predictions)[found.offender]
            domain = (*self._row.labels, *self._row.predictions)[found.offender]
            classes = (arrays.predictions[0].shape or (1,))[-1]
            expected = DOMAINS[domain].format(classes=classes)
            place = checks.element(name, array, found.place)
            remedy = ""
            if found.offender < len(arrays.labels):
                value = array.flat[found.place]
                prediction = arrays.predictions[0]
                remedy = checks.other_coding(domain, array, prediction, value)
            raise ValueError(f"{place} {expected}{remedy}")
        if found.status == Status.BAD_WEIGHTS:
            raise ValueError(
                "sample_weight sums to 0 although not all weights are 0: there is no "
                'mean; use reduction="sum"'
            )
        if found.status == Status.CHANGED:
            raise ValueError(
                f"{' or '.join(arrays.names)} held a value outside its domain and was "
                "changed by another thread during the call"
            )
        if found.status == Status.NO_MEMORY:
            shape = arrays.predictions[0].shape
            raise MemoryError(f"no memory for a block of an array of shape {shape}")
        raise RuntimeError(f"the engine stopped with status {found.status}")


def _rebuild(cls: type[Loss], parameters: dict[str, Any]) -> Loss:
    return cls(**parameters)
