"""fastloss.jax against optax, and against JAX's own ways of differentiating it."""

from __future__ import annotations

import ctypes
import doctest
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.test_util import check_grads

import fastloss as fl
import fastloss.jax
from fastloss.core import _bridge
from fastloss.jax import calls

jax.config.update("jax_enable_x64", True)

Array = Any
RANDOM = np.random.RandomState(0)
N, C = 40, 7
PREDICTIONS = RANDOM.standard_normal((N, C)) * 3
TARGETS = RANDOM.standard_normal((N, C)) * 3
LOGS = np.log(RANDOM.dirichlet(np.ones(C), N))
SHARES = RANDOM.dirichlet(np.ones(C), N)
BITS = (RANDOM.uniform(size=(N, C)) < 0.5).astype(float)
CLASSES = RANDOM.randint(0, C, N)

#: Names that optax has, with arguments for both.
SAME: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "squared_error": [((PREDICTIONS, TARGETS), {}), ((PREDICTIONS,), {})],
    "l2_loss": [((PREDICTIONS, TARGETS), {}), ((PREDICTIONS,), {})],
    "huber_loss": [
        ((PREDICTIONS, TARGETS), {}),
        ((PREDICTIONS, TARGETS[0]), {"delta": 0.3}),
        ((PREDICTIONS,), {"delta": 2.0}),
    ],
    "log_cosh": [((PREDICTIONS, TARGETS), {}), ((PREDICTIONS, 0.5), {})],
    "sigmoid_binary_cross_entropy": [
        ((PREDICTIONS, BITS), {}),
        ((PREDICTIONS, SHARES), {}),
        ((PREDICTIONS, BITS > 0), {}),
        ((PREDICTIONS, BITS[0].astype(int)), {}),
    ],
    "sigmoid_focal_loss": [
        ((PREDICTIONS, BITS), {}),
        ((PREDICTIONS, SHARES), {"alpha": 0.3, "gamma": 1.5}),
    ],
    "hinge_loss": [((PREDICTIONS, 2 * BITS - 1), {})],
    "multiclass_hinge_loss": [((PREDICTIONS, CLASSES), {})],
    "softmax_cross_entropy": [
        ((PREDICTIONS, SHARES), {}),
        ((PREDICTIONS, SHARES[0] / 2), {}),
        ((PREDICTIONS, BITS), {"axis": 0}),
        ((PREDICTIONS.reshape(5, 8, C), SHARES.reshape(5, 8, C)), {"axis": (0, 2)}),
        ((PREDICTIONS.reshape(5, 8, C), SHARES.reshape(5, 8, C)), {"axis": None}),
        ((PREDICTIONS, SHARES), {"where": (TARGETS < 2) | (TARGETS > 4)}),
        ((PREDICTIONS, SHARES), {"where": CLASSES < 4}),
    ],
    "safe_softmax_cross_entropy": [((PREDICTIONS, SHARES), {})],
    "softmax_cross_entropy_with_integer_labels": [
        ((PREDICTIONS, CLASSES), {}),
        ((PREDICTIONS, CLASSES.astype(np.int8)), {}),
        ((PREDICTIONS, RANDOM.randint(0, N, C)), {"axis": 0}),
        ((PREDICTIONS.reshape(5, 8, C), RANDOM.randint(0, 35, 8)), {"axis": (0, 2)}),
        (
            (PREDICTIONS, CLASSES),
            {"where": (np.arange(C) == CLASSES[:, None]) | (TARGETS < 1)},
        ),
        ((PREDICTIONS, CLASSES), {"where": CLASSES < 4}),
    ],
    "poly_loss_cross_entropy": [
        ((PREDICTIONS, SHARES), {}),
        ((PREDICTIONS, SHARES), {"epsilon": -1.0, "axis": 0}),
    ],
    "kl_divergence": [
        ((LOGS, SHARES), {}),
        ((LOGS, SHARES), {"axis": 0}),
        ((LOGS, SHARES), {"where": TARGETS < 2}),
    ],
    "kl_divergence_with_log_targets": [
        ((LOGS, np.log(SHARES)), {}),
        ((LOGS, np.log(SHARES)), {"axis": 0, "where": TARGETS < 2}),
    ],
    "cosine_similarity": [((PREDICTIONS, TARGETS), {})],
    "cosine_distance": [
        ((PREDICTIONS, TARGETS), {}),
        ((PREDICTIONS, TARGETS), {"axis": 0, "where": TARGETS < 2}),
    ],
}
CASES = [(name, *case) for name, cases in SAME.items() for case in cases]


def ulps(found: Array, wanted: Array) -> float:
    """The worst error in spacings of the larger of the entry and what it is made of."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    scale = np.maximum(np.abs(wanted), 0.05 * np.abs(wanted).max())
    return float(np.max(np.abs(found - wanted) / np.spacing(scale)))


def summed(function: Callable[..., Array], arguments: Any, options: Any) -> Array:
    """A sum with factors, so that what comes in differs from row to row."""
    value = function(*arguments, **options)
    return jnp.sum(value * jnp.cos(jnp.arange(value.size).reshape(value.shape)))


def test_there_are_no_other_names() -> None:
    assert {*SAME, "loss"} == set(fastloss.jax.__all__)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "arguments", "options"), CASES)
def test_values_and_gradients_are_those_of_optax(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any], dtype: type
) -> None:
    ours, theirs = getattr(fastloss.jax, name), getattr(optax.losses, name)
    given = [
        jnp.asarray(a, dtype) if np.asarray(a).dtype == float else jnp.asarray(a)
        for a in arguments
    ]
    wanted = theirs(*given, **options)
    if name == "multiclass_hinge_loss":  # float64 there, as one-hot labels are
        wanted = wanted.astype(dtype)
    assert ulps(ours(*given, **options), wanted) < 40

    def gradient(function: Callable[..., Array]) -> Array:
        return jax.jit(jax.grad(lambda x: summed(function, (x, *given[1:]), options)))(
            given[0]
        )

    assert ulps(gradient(ours), gradient(theirs)) < 40


def test_half_types_are_stored() -> None:
    for dtype in (jnp.bfloat16, jnp.float16):
        x, y = jnp.asarray(PREDICTIONS, dtype), jnp.asarray(TARGETS, dtype)
        value, grad = jax.value_and_grad(
            lambda x, y=y: fastloss.jax.huber_loss(x, y).sum()
        )(x)
        assert value.dtype == grad.dtype == dtype
        single = fastloss.jax.huber_loss(x.astype(np.float32), y.astype(np.float32))
        np.testing.assert_array_equal(
            fastloss.jax.huber_loss(x, y), single.astype(dtype)
        )


@pytest.mark.parametrize("reduction", _bridge.REDUCTIONS)
@pytest.mark.parametrize("name", ["huber", "log_cosh", "bce", "scce", "cce", "gamma"])
def test_losses_have_the_bits_they_have_in_numpy(name: str, reduction: str) -> None:
    y, logits = {
        "bce": (BITS, {"from_logits": True}),
        "scce": (CLASSES, {"from_logits": True, "class_weight": range(1, C + 1)}),
        "cce": (SHARES, {"from_logits": True, "label_smoothing": 0.1}),
        "gamma": (SHARES + 1, {}),
    }.get(name, (TARGETS, {}))
    weight = RANDOM.uniform(0, 2, N)
    loss = fl.get(name)._changed({**logits, "reduction": reduction})
    wanted, slope = loss.value_and_grad(y, PREDICTIONS, sample_weight=weight)

    def value(x: Array) -> Array:
        return fastloss.jax.loss(loss)(x, y, weight).sum()

    found = fastloss.jax.loss(loss)(jnp.asarray(PREDICTIONS), y, weight)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(jax.grad(value)(PREDICTIONS), slope)
    np.testing.assert_array_equal(jax.jit(jax.grad(value))(PREDICTIONS), slope)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", ["huber", "log_cosh", "mse", "bce", "poisson"])
def test_derivatives_of_both_orders_are_differences(name: str, reduction: str) -> None:
    y = {"bce": BITS, "poisson": 3 * SHARES}.get(name, TARGETS)[:3]
    logits = {"from_logits": True} if name == "bce" else {}
    loss = fastloss.jax.loss(name, reduction=reduction, **logits)
    weight = RANDOM.uniform(0.5, 2, 3)
    x = PREDICTIONS[:3] / 3
    check_grads(lambda x: loss(x, y, weight), (x,), order=2, modes=("fwd", "rev"))


@pytest.mark.parametrize("name", ["scce", "cce", "kl_divergence", "cosine", "dice"])
def test_gradients_of_rows_are_differences(name: str) -> None:
    y = CLASSES[:3] if name == "scce" else SHARES[:3]
    logits = {} if name in ("cosine", "dice") else {"from_logits": True}
    axis = {"axis": 1} if name == "dice" else {}
    x = SHARES[3:6] if name == "dice" else PREDICTIONS[:3]
    for reduction in ("mean", "none"):
        loss = fastloss.jax.loss(name, reduction=reduction, **logits, **axis)
        check_grads(lambda x, loss=loss: loss(x, y), (x,), order=1)


def test_targets_of_residuals_have_derivatives() -> None:
    def ours(x: Array, y: Array) -> Array:
        return fastloss.jax.huber_loss(x, y).sum()

    by_both = jax.grad(ours, (0, 1))(PREDICTIONS, TARGETS)
    np.testing.assert_array_equal(by_both[0], -by_both[1])
    np.testing.assert_array_equal(jax.grad(ours, 1)(PREDICTIONS, TARGETS), by_both[1])
    check_grads(ours, (PREDICTIONS[:2], TARGETS[:2]), order=2)


def test_what_has_no_derivative_says_so() -> None:
    cross_entropy = fastloss.jax.loss("cce", from_logits=True)
    with pytest.raises(TypeError, match="no derivative by targets"):
        jax.grad(cross_entropy, 1)(PREDICTIONS, SHARES)
    with pytest.raises(TypeError, match="no derivative by sample_weight"):
        jax.grad(cross_entropy, 2)(PREDICTIONS, SHARES, np.ones(N))
    with pytest.raises(TypeError, match="no derivative by delta"):
        jax.grad(lambda d: fastloss.jax.huber_loss(PREDICTIONS, delta=d).sum())(1.0)
    relative = fastloss.jax.loss("mape")
    with pytest.raises(TypeError, match="no derivative by targets"):
        jax.grad(relative, 1)(PREDICTIONS, TARGETS)
    with pytest.raises(NotImplementedError, match="no second derivative"):
        jax.hessian(cross_entropy)(PREDICTIONS[:2], SHARES[:2])
    stopped = jax.grad(
        lambda x: cross_entropy(x, jax.lax.stop_gradient(jax.nn.softmax(x)))
    )(PREDICTIONS)
    np.testing.assert_allclose(stopped, 0, atol=1e-15)


# vmap, scan and jit.


def each(function: Callable[..., Array], *arrays: Array) -> Array:
    return np.stack([np.asarray(function(*rows)) for rows in zip(*arrays, strict=True)])


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_vmap_is_one_call_after_another(reduction: str) -> None:
    loss = fastloss.jax.loss("scce", from_logits=True, reduction=reduction)
    x, y = PREDICTIONS.reshape(5, 8, C), CLASSES.reshape(5, 8)
    w = RANDOM.uniform(0, 2, (5, 8))
    np.testing.assert_array_equal(jax.vmap(loss)(x, y, w), each(loss, x, y, w))
    np.testing.assert_array_equal(
        jax.vmap(loss, (0, None))(x, y[0]), each(lambda x: loss(x, y[0]), x)
    )
    np.testing.assert_array_equal(
        jax.vmap(loss, (None, 0))(x[0], y), each(lambda y: loss(x[0], y), y)
    )
    slope = jax.grad(lambda *a: loss(*a).sum())
    np.testing.assert_array_equal(jax.vmap(slope)(x, y, w), each(slope, x, y, w))
    np.testing.assert_array_equal(
        jax.jit(jax.vmap(slope, (None, 0)))(x[0], y), each(lambda y: slope(x[0], y), y)
    )


def test_vmap_in_vmap_with_parameters() -> None:
    x, y = PREDICTIONS[:5], TARGETS[:5]
    delta = np.linspace(0.1, 3, 5)
    for reduction in ("mean", "none"):
        loss = fastloss.jax.loss("huber", reduction=reduction)

        def one(x: Array, y: Array, d: Array, loss: Any = loss) -> Array:
            return loss(x, y, delta=d)

        inner = jax.vmap(one, (0, None, None))
        found = jax.vmap(inner, (None, 0, 0))(x, y, delta)
        wanted = [
            [one(x[i], y[j], delta[j].item()) for i in range(5)] for j in range(5)
        ]
        np.testing.assert_array_equal(found, np.array(wanted))


def test_vmap_over_single_examples() -> None:
    function = fastloss.jax.softmax_cross_entropy_with_integer_labels
    found = jax.vmap(function)(PREDICTIONS, CLASSES)
    np.testing.assert_array_equal(found, function(PREDICTIONS, CLASSES))
    cubes = jax.vmap(fastloss.jax.squared_error)(PREDICTIONS[:, 0], TARGETS[:, 0])
    np.testing.assert_allclose(cubes, (PREDICTIONS[:, 0] - TARGETS[:, 0]) ** 2)
    regions = fastloss.jax.loss("dice", axis=None)
    np.testing.assert_array_equal(
        jax.vmap(regions)(SHARES, BITS), each(regions, SHARES, BITS)
    )


def test_scan_and_traced_parameters() -> None:
    deltas = np.array([0.25, 1.0, 4.0])

    def step(total: Array, delta: Array) -> tuple[Array, Array]:
        value = fastloss.jax.huber_loss(PREDICTIONS, TARGETS, delta=delta).sum()
        return total + value, value

    total, values = jax.lax.scan(step, 0.0, deltas)
    wanted = [fl.huber(TARGETS, PREDICTIONS, reduction="none", delta=d) for d in deltas]
    np.testing.assert_allclose(values, [w.sum() for w in wanted], rtol=1e-14)
    np.testing.assert_allclose(total, np.sum(wanted), rtol=1e-14)
    late = jax.jit(fastloss.jax.huber_loss)(PREDICTIONS, TARGETS, delta=0.1)
    np.testing.assert_array_equal(
        late, fl.huber(TARGETS, PREDICTIONS, reduction="none", delta=0.1)
    )


def test_parameters_that_cannot_be_traced_say_so() -> None:
    loss = fastloss.jax.loss("bce")
    with pytest.raises(TypeError, match="from_logits of binary_crossentropy must be k"):
        jax.jit(lambda f: loss(SHARES, BITS, from_logits=f))(True)
    with pytest.raises(TypeError, match="no parameter 'gama'"):
        jax.jit(lambda g: loss(SHARES, BITS, gama=g))(1.0)
    with pytest.raises(TypeError, match="takes more than one array of predictions"):
        fastloss.jax.loss("triplet")


def test_a_network_learns_as_with_optax() -> None:
    random = np.random.RandomState(1)
    x = random.standard_normal((256, 10))
    y = random.randint(0, 4, 256)
    start = [random.standard_normal(s) / 3 for s in ((10, 16), (16, 4))]

    def curve(loss: Callable[..., Array]) -> Array:
        def value(weights: Any) -> Array:
            return loss(jnp.tanh(x @ weights[0]) @ weights[1], y).mean()

        def step(weights: Any, _: None) -> Any:
            found, slopes = jax.value_and_grad(value)(weights)
            return [w - 0.5 * s for w, s in zip(weights, slopes, strict=True)], found

        return jax.lax.scan(step, start, None, 200)[1]

    name = "softmax_cross_entropy_with_integer_labels"
    ours = curve(getattr(fastloss.jax, name))
    np.testing.assert_allclose(ours, curve(getattr(optax, name)), rtol=1e-12)
    assert ours[-1] < 0.7 * ours[0]


# What goes wrong.


def test_numbers_outside_their_domain_are_told() -> None:
    function = jax.jit(fastloss.jax.sigmoid_binary_cross_entropy)
    bad = BITS.copy()
    bad[3, 2] = 1.5
    with pytest.raises(Exception, match=r"labels\[3, 2\] = 1.5 is not in \[0, 1\]"):
        function(PREDICTIONS, bad).block_until_ready()
    rows = jax.jit(fastloss.jax.softmax_cross_entropy_with_integer_labels)
    classes = CLASSES.copy()
    classes[5] = C
    message = rf"labels\[5\] = {C} is not a class in \[0, {C}\)"
    with pytest.raises(Exception, match=message):
        rows(PREDICTIONS, classes).block_until_ready()
    mean = fastloss.jax.loss("scce", from_logits=True)
    with pytest.raises(Exception, match=rf"targets\[0, 5\] = {C} is not a class"):
        jax.vmap(mean)(
            PREDICTIONS.reshape(5, 8, C), classes.reshape(5, 8)
        ).block_until_ready()
    with pytest.raises(Exception, match=r"the row targets\[0\] sums to 2, not to 1"):
        fastloss.jax.loss("cce", from_logits=True)(
            PREDICTIONS, np.full((N, C), 2 / C)
        ).block_until_ready()
    with pytest.raises(Exception, match="sample_weight sums to 0 although"):
        mean(PREDICTIONS, CLASSES, (-1.0) ** np.arange(N)).block_until_ready()
    function(PREDICTIONS, BITS).block_until_ready()  # and the next call is fine


def test_shapes_and_dtypes_are_told_while_tracing() -> None:
    with pytest.raises(ValueError, match=r"y_true has shape \(39, 7\)"):
        jax.jit(fastloss.jax.squared_error)(PREDICTIONS, TARGETS[1:])
    with pytest.raises(TypeError, match="predictions has dtype int64"):
        fastloss.jax.squared_error(CLASSES, CLASSES)
    with pytest.raises(TypeError, match="classes are integers"):
        fastloss.jax.loss("scce", from_logits=True)(PREDICTIONS, CLASSES * 1.0)
    with pytest.raises(ValueError, match="sample_weight has shape"):
        fastloss.jax.loss("mse")(PREDICTIONS, TARGETS, np.ones(3))
    with pytest.raises(ValueError, match="no mean of no samples"):
        fastloss.jax.loss("mse")(PREDICTIONS[:0], TARGETS[:0])
    assert fastloss.jax.loss("mse", reduction="sum")(TARGETS[:0], TARGETS[:0]) == 0
    assert fastloss.jax.squared_error(TARGETS[:0], TARGETS[:0]).shape == (0, C)
    with pytest.raises(ValueError, match="epsilon = 1e-08 must be 0"):
        fastloss.jax.cosine_distance(PREDICTIONS, TARGETS, epsilon=1e-8)


def test_single_precision_is_the_default_of_jax() -> None:
    code = (
        "import jax, fastloss.jax, numpy as np; "
        "x = np.linspace(-2, 2, 9); "
        "f = lambda x, d: fastloss.jax.huber_loss(x, x[::-1], delta=d).mean(); "
        "v, g = jax.jit(jax.value_and_grad(f))(x, 0.1); print(v.dtype, g.dtype, v)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    x = np.linspace(-2, 2, 9)
    kind, slope, value = done.stdout.split()
    assert kind == slope == "float32"
    np.testing.assert_allclose(float(value), fl.huber(x[::-1], x, delta=0.1), rtol=1e-6)


def test_threads_do_not_change_bits() -> None:
    x, y = RANDOM.standard_normal((2, 300_000))
    loss = fastloss.jax.loss("log_cosh")
    with fl.threads(1):
        wanted = loss(x, y)
    with fl.threads(2):
        assert loss(x, y) == wanted == fl.log_cosh(y, x)


def test_doctests() -> None:
    for module in (fastloss.jax, calls):
        with jax.enable_x64(False):
            assert doctest.testmod(module).failed == 0


# The handler, called as another XLA would.


class Extension(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
    ]


class Version(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("major", ctypes.c_int),
        ("minor", ctypes.c_int),
    ]


class Metadata(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("version", Version)]


class Question(ctypes.Structure):
    _fields_ = [("base", Extension), ("metadata", ctypes.POINTER(Metadata))]


class Error(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("message", ctypes.c_char_p),
        ("code", ctypes.c_int),
    ]


NewError = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(Error))


class Api(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("version", Version),
        ("internal", ctypes.c_void_p),
        ("new_error", NewError),
    ]


class Items(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("size", ctypes.c_int64),
        ("types", ctypes.c_void_p),
        ("items", ctypes.c_void_p),
    ]


class Attributes(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("size", ctypes.c_int64),
        ("types", ctypes.c_void_p),
        ("names", ctypes.c_void_p),
        ("items", ctypes.c_void_p),
    ]


class Frame(ctypes.Structure):
    _fields_ = [
        ("struct_size", ctypes.c_size_t),
        ("extension", ctypes.c_void_p),
        ("api", ctypes.POINTER(Api)),
        ("context", ctypes.c_void_p),
        ("stage", ctypes.c_int),
        ("operands", Items),
        ("results", Items),
        ("attributes", Attributes),
    ]


def handled(major: int = 0, **sizes: int) -> str:
    """What the handler says of an empty frame of an XLA of this version and sizes."""
    said: list[str] = []

    @NewError
    def new_error(error: Any) -> int:
        said.append(f"{error.contents.code}: {error.contents.message.decode()}")
        return 4321

    api = Api(ctypes.sizeof(Api), None, Version(24, None, major, 9), None, new_error)
    frame = Frame(ctypes.sizeof(Frame), None, ctypes.pointer(api), None, 3)
    for part in ("operands", "results", "attributes"):
        struct = getattr(frame, part)
        struct.struct_size = sizes.get(part, ctypes.sizeof(struct))
    frame.struct_size = sizes.get("frame", frame.struct_size)
    assert handler()(ctypes.byref(frame)) == 4321
    return said[0]


def handler() -> Any:
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype = ctypes.c_void_p
    pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = pointer(_bridge.XLA_HANDLER, None)
    return ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(address)


def test_the_handler_says_which_version_it_is_of() -> None:
    metadata = Metadata(ctypes.sizeof(Metadata), Version(24, None, 7, 7))
    question = Question(
        Extension(ctypes.sizeof(Extension), 1, None), ctypes.pointer(metadata)
    )
    frame = Frame(ctypes.sizeof(Frame), ctypes.addressof(question))
    assert handler()(ctypes.byref(frame)) is None
    assert (metadata.version.major, metadata.version.minor) == (0, 1)


def test_another_layout_is_refused() -> None:
    message = "13: .*version 0 of XLA's FFI, and JAX has another"
    size = ctypes.sizeof(Items)
    for wrong in (
        {"operands": size + 8},
        {"results": size - 8},
        {"attributes": size},
        {"frame": 64},
        {"major": 1},
    ):
        assert re.match(message, handled(**wrong))


def test_another_call_is_refused() -> None:
    assert handled().startswith("13: this version of fastloss does not know this call")


@pytest.mark.parametrize("name", ["scce", "bce"])
def test_names_of_classes_are_refused(name: str) -> None:
    function = fastloss.jax.loss(name, classes=[1, 0])
    with pytest.raises(TypeError, match="pass the numbers of the classes as targets"):
        function(jnp.full((2, 2), 0.5), jnp.array([0, 1]))
