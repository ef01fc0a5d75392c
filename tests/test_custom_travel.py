"""Custom losses are copied, pickled and sent to other processes."""

from __future__ import annotations

import copy
import functools
import inspect
import multiprocessing
import pickle
import subprocess
import sys
import textwrap
import types
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

import fastloss as fl
from fastloss._custom import journey
from fastloss._custom.compiler import _CACHED_PROGRAMS

FACTOR = 2.0


@fl.custom
def named(y_true: Any, y_pred: Any, *, k: float = 1.0) -> Any:
    return k * FACTOR * (y_pred - y_true) ** 2


class Named(fl.Loss):
    k: float = 1.0

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.k * FACTOR * (y_pred - y_true) ** 2


class WithInit(fl.Loss):
    def __init__(self, k: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.k = k
        self.twice = 2 * k

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.twice * (y_pred - y_true) ** 2


def squared(y_true: Any, y_pred: Any, k: float = 1.0) -> Any:
    return 2 * k * (y_pred - y_true) ** 2


class Callable:
    factor = 2.0

    def __call__(self, y_true: Any, y_pred: Any, k: float = 1.0) -> Any:
        return k * self.factor * (y_pred - y_true) ** 2

    def method(self, y_true: Any, y_pred: Any, k: float = 1.0) -> Any:
        return k * self.factor * (y_pred - y_true) ** 2


def local(j: float) -> tuple[fl.Loss, fl.Loss]:
    @fl.custom
    def inner(y_true: Any, y_pred: Any, k: float = 1.0) -> Any:
        return j * k * (y_pred - y_true) ** 2

    class Inner(fl.Loss):
        k: float = 1.0

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return j * self.k * (y_pred - y_true) ** 2

    return inner, Inner()


@fl.custom
def of_rows(y_true: Any, y_pred: Any, *, k: float = 1.0) -> Any:
    return np.sum(k * FACTOR * (y_pred - y_true) ** 2, axis=-1)


class OfRows(fl.Loss):
    k: float = 1.0

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.k * FACTOR * np.max((y_pred - y_true) ** 2, axis=-1)


@fl.custom
def of_heads(y_true: Any, heads: Any, *, k: float = 1.0) -> Any:
    first, second = heads
    return k * FACTOR * (first - y_true) ** 2 + 0 * second


class OfHeads(fl.Loss):
    k: float = 1.0

    def call(self, y_true: Any, heads: Any) -> Any:
        first, second = heads
        return self.k * FACTOR * (first - y_true) ** 2 + 0 * second


def local_of_rows(j: float) -> fl.Loss:
    @fl.custom
    def inner(y_true: Any, y_pred: Any, k: float = 1.0) -> Any:
        return np.sum(j * k * (y_pred - y_true) ** 2, axis=-1)

    return inner


# Of all, the value of one sample at a distance of 1 is 2 k.
FORMS = {
    "function": named,
    "class": Named(),
    "class with __init__": WithInit(),
    "lambda": fl.custom(lambda y, p, k=1.0: 2 * k * (p - y) ** 2),
    "local function": local(2.0)[0],
    "local class": local(2.0)[1],
    "partial": fl.custom(functools.partial(squared, k=1.0)),
    "undecorated function": fl.custom(squared),
    "callable object": fl.custom(Callable()),
    "bound method": fl.custom(Callable().method),
    "run as NumPy": fl.custom(
        lambda y, p, k=1.0: np.cumsum(2 * k * (p - y), axis=-1),
        grad=lambda y, p, k=1.0: 4 * k * (p - y),
    ),
    "rows": of_rows,
    "class of rows": OfRows(),
    "lambda of rows": fl.custom(
        lambda y, p, k=1.0: 2 * k * fl.math.logsumexp((p - y) ** 2, axis=-1)
    ),
    "local function of rows": local_of_rows(2.0),
    "heads": of_heads,
    "class of heads": OfHeads(),
    "lambda of heads": fl.custom(
        lambda y, heads, k=1.0: 2 * k * (heads[0] - y) ** 2 + 0 * heads[1]
    ),
}


def value(loss: fl.Loss) -> tuple[Any, Any]:
    """Return what shows that a loss works, there or here."""
    y, p = np.zeros((1, 1)), np.ones((1, 1))
    if loss._compiler.heads({"k": 3.0}):
        return loss(y, (p, p), k=3.0), loss.grad(y, (p, p), k=3.0)[0].ravel().tolist()
    return loss(y, p, k=3.0), loss.grad(y, p, k=3.0).ravel().tolist()


EXPECTED = (6.0, [12.0])


@pytest.mark.parametrize("form", FORMS)
def test_copies_are_the_loss_itself(form: str) -> None:
    loss = FORMS[form]
    assert value(loss) == EXPECTED
    assert copy.copy(loss) is loss
    assert copy.deepcopy({"objective": [loss]})["objective"][0] is loss
    assert value(copy.deepcopy(loss.grad_and_hess).__self__) == EXPECTED


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps])
@pytest.mark.parametrize("form", FORMS)
def test_pickles_are_equal(form: str, dumps: Any) -> None:
    loss = FORMS[form]._changed({"k": 0.5, "reduction": "sum"})
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(dumps(loss, protocol))
        assert again == loss
        assert type(again) is type(loss)
        assert (again.reduction, again._parameters_of()["k"]) == ("sum", 0.5)
        assert value(again) == EXPECTED


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_other_processes(method: str) -> None:
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(value, FORMS.values(), 1) == [EXPECTED] * len(FORMS)
        returned = pool.map(copy.copy, FORMS.values(), 1)
    assert returned == list(FORMS.values())


def test_what_a_function_reads_travels_with_it() -> None:
    k = 2.0
    loss = fl.custom(lambda y, p: k * (p - y))
    first = pickle.dumps(loss)
    k = 5.0
    second = pickle.dumps(loss)
    code = (
        "import pickle, sys\n"
        "for data in pickle.load(sys.stdin.buffer):\n"
        "    print(pickle.loads(data)([0.0], [1.0]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps([first, second]),
        capture_output=True,
        check=True,
    )
    assert done.stdout.split() == [b"2.0", b"5.0"]
    assert pickle.loads(first) == loss  # at home it is the loss there is
    assert pickle.loads(first)([0.0], [1.0]) == 5.0


SCRIPT = """
    import multiprocessing
    import pickle
    import sys

    import fastloss as fl

    SCALE = 2.0


    @fl.custom
    def scaled(y_true, y_pred, *, k=1.0):
        return k * SCALE * (y_pred - y_true) ** 2


    class Scaled(fl.Loss):
        k: float = 1.0

        def call(self, y_true, y_pred):
            return self.k * SCALE * (y_pred - y_true) ** 2


    def value(loss):
        return loss([0.0], [1.0], k=3.0)


    if __name__ == "__main__":
        if sys.argv[1] == "write":
            import cloudpickle

            data = [pickle.dumps(scaled), cloudpickle.dumps(Scaled())]
            sys.stdout.buffer.write(pickle.dumps(data))
        else:
            for loss in (scaled, Scaled(k=2.0)):
                assert pickle.loads(pickle.dumps(loss)) == loss
                with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
                    assert pool.apply(value, (loss,)) == 6.0
    """


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_losses_of_the_main_script(method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    subprocess.run([sys.executable, "-W", "error", str(script), method], check=True)


def test_losses_of_the_main_script_go_where_it_is_another(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    done = subprocess.run(
        [sys.executable, str(script), "write"], capture_output=True, check=True
    )
    for data in pickle.loads(done.stdout):
        assert pickle.loads(data)([0.0], [1.0], k=3.0) == 6.0


def test_without_cloudpickle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journey, "_cloudpickle", lambda: None)
    assert pickle.loads(pickle.dumps(named)) is not None
    for form in ("lambda", "local class", "undecorated function"):
        with pytest.raises(pickle.PicklingError, match="top level of a module; or ins"):
            pickle.dumps(FORMS[form])


def test_a_copy_of_cloudpickle_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    others = [name for name in sys.modules if name.endswith(".cloudpickle.cloudpickle")]
    for name in others:
        monkeypatch.delitem(sys.modules, name)
    assert journey._cloudpickle() is None
    copied = types.SimpleNamespace(dumps=cloudpickle.dumps)
    monkeypatch.setitem(sys.modules, "others.cloudpickle.cloudpickle", copied)
    assert journey._cloudpickle() is cloudpickle.dumps


# -- as other libraries look at it -----------------------------------------------------


@pytest.mark.parametrize("loss", [fl.mse, named, Named()], ids=["built-in", "f", "c"])
def test_name_and_signature_are_those_of_a_function(loss: fl.Loss) -> None:
    assert loss.__name__ == loss.name
    parameters = inspect.signature(loss).parameters
    assert list(parameters)[:2] == ["y_true", "y_pred"]
    assert type(loss).__name__ in ("MeanSquaredError", "named", "Named")
    wrapped = functools.wraps(loss)(lambda y_true, y_pred: 0.0)
    assert wrapped.__name__ == loss.name


def test_a_signature_names_inputs() -> None:
    loss = fl.custom(lambda y, p, m, k=2.0: m * k * (p - y), inputs="m")
    parameters = inspect.signature(loss).parameters
    assert parameters["m"].default is inspect.Parameter.empty
    assert parameters["k"].default == 2.0


# -- an __init__ of one's own ----------------------------------------------------------


class NoOptions(fl.Loss):
    def __init__(self, alpha: float = 0.5) -> None:
        self.alpha = alpha
        self.square = alpha**2

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.square * (y_pred - y_true)


class Deeper(NoOptions):
    def __init__(self, alpha: float = 1.0, beta: float = 2.0) -> None:
        super().__init__(alpha)
        self.beta = beta

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.square * self.beta * (y_pred - y_true)


class Wider(NoOptions):
    gamma: float = 3.0

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.square * self.gamma * (y_pred - y_true)


def test_arguments_of_init_are_parameters() -> None:
    y, p = [0.0, 0.0], [1.0, 1.0]
    for loss in (NoOptions(2.0), NoOptions(alpha=2.0)):
        assert (loss(y, p), loss(y, p, reduction="sum"), loss.square) == (4, 8, 4)
        assert loss(y, p, alpha=3.0) == 9.0
        assert repr(loss) == "NoOptions(alpha=2.0)"
        with pytest.raises(AttributeError, match="cannot assign to field 'alpha'"):
            loss.alpha = 3.0
    assert NoOptions(reduction="sum").reduction == "sum"
    assert WithInit(k=2.0, reduction="sum")(y, p) == 8.0
    assert Deeper(2.0, beta=3.0)(y, p) == 12.0
    assert Deeper()._changed({"beta": 5.0})(y, p) == 5.0
    assert Wider(2.0, gamma=4.0)(y, p) == 16.0
    assert Wider(gamma=1.0)(y, p, alpha=3.0) == 9.0
    assert pickle.loads(pickle.dumps(Deeper(3.0, beta=1.0)))(y, p) == 9.0
    with pytest.raises(TypeError, match=r"NoOptions: got an unexpected .* 'beta'"):
        NoOptions(beta=1.0)


def test_init_may_check_and_require() -> None:
    class Checked(fl.Loss):
        def __init__(self, alpha: float, *, shift: float = 0.0, **options: Any):
            super().__init__(**options)
            if alpha < 0:
                raise ValueError("alpha must not be negative")
            self.alpha, self.shift = alpha, shift

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return self.alpha * (y_pred - y_true) + self.shift

    assert Checked(2.0, shift=1.0)([0.0], [1.0]) == 3.0
    assert Checked(alpha=2.0).grad([0.0], [1.0], alpha=4.0) == 4.0
    with pytest.raises(ValueError, match="must not be negative"):
        Checked(-1.0)
    with pytest.raises(TypeError, match="missing a required argument: 'alpha'"):
        Checked()


def test_mixins_may_come_first() -> None:
    class Scaling:
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return self.alpha * (y_pred - y_true)  # type: ignore[attr-defined]

    class Scaled(Scaling, fl.Loss):
        alpha: float = 2.0

    assert Scaled(alpha=3.0)([0.0], [1.0]) == 3.0


def test_lists_are_parameters() -> None:
    given = [1.0, 2.0]
    loss = fl.custom(lambda y, p, w=given: (w[0] + len(w)) * (p - y))
    given[0] = 7.0
    assert loss([0.0], [1.0]) == 3.0
    assert loss([0.0], [1.0], w=[3.0]) == loss([0.0], [1.0], w=(2.0, 0.0)) == 4.0
    table = fl.custom(lambda y, p, w={"a": 1.0}: w["a"] * (p - y))
    assert table([0.0], [1.0], w={"a": 5.0}) == 5.0

    class Weighted(fl.Loss):
        w: list = [1.0, 2.0]  # noqa: RUF012

        def call(self, y_true: Any, y_pred: Any) -> Any:
            return self.w[0] * (y_pred - y_true)

    assert (Weighted()([0.0], [1.0]), Weighted(w=[3.0])([0.0], [1.0])) == (1.0, 3.0)


# -- many parameters -------------------------------------------------------------------


@pytest.mark.parametrize("form", ["function", "rows", "heads"])
def test_parameters_that_change_cost_no_memory(form: str) -> None:
    """What is kept of calls with other parameters has an end."""
    loss = FORMS[form]
    y, p = np.zeros((1, 1)), np.ones((1, 1))
    predictions = (p, p) if "heads" in form else p
    kept = loss._compiler
    for i in range(3 * _CACHED_PROGRAMS):
        assert loss(y, predictions, k=float(i)) == 2.0 * i
        assert len(kept._programs) <= _CACHED_PROGRAMS
    assert sum(map(len, kept._traces.values())) == 1
