"""Losses over Dask: values and bits of one call, laziness, workers that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import dask.dataframe as dd
import joblib
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

import fastloss as fl
import fastloss.dask

GRAIN = 8192  # whole blocks of float32 elements
N = 5 * GRAIN + 100

Array = np.ndarray[Any, Any]


@fl.custom(inputs=("noise",))
def noisy(y_true: Any, y_pred: Any, noise: Any) -> Any:
    return (y_pred - y_true) ** 2 / noise


@fl.custom
def rmse(y_true: Any, y_pred: Any) -> Any:
    return np.sqrt(np.mean((y_pred - y_true) ** 2))


def numbers(*shape: int, seed: int = 0, dtype: str = "f8") -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def lazy(tree: Any, step: int) -> Any:
    """Dask arrays with blocks along the first axis."""
    if isinstance(tree, tuple):
        return tuple(lazy(x, step) for x in tree)
    return da.from_array(tree, chunks=(step, *tree.shape[1:]))


def flat(tree: Any) -> tuple[Any, ...]:
    if isinstance(tree, tuple):
        return tuple(x for branch in tree for x in flat(branch))
    return (tree,)


def same(lazily: Any, now: Any, dtype: str) -> None:
    """Derivatives: the factor of a mean is rounded once more in float64."""
    assert len(flat(lazily)) == len(flat(now))
    for got, expected in zip(flat(lazily), flat(now), strict=True):
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        ulp = np.finfo(expected.dtype).eps
        np.testing.assert_allclose(got, expected, rtol=4 * ulp, atol=0)


# -- values and derivatives ------------------------------------------------------------

REDUCTIONS = ("mean", "sum", "sum_over_batch_size")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_elements(dtype: str, reduction: str, weighted: bool) -> None:
    y, p = numbers(2, N, dtype=dtype)
    w = np.random.default_rng(1).random(N) * (numbers(N) > -1) if weighted else None
    ys, ps = lazy((y, p), GRAIN)
    keywords = {"reduction": reduction, "delta": 0.7}
    given = {**keywords, "sample_weight": None if w is None else lazy(w, GRAIN)}
    keywords["sample_weight"] = w
    value, grad = fl.huber.value_and_grad(y, p, **keywords)
    assert fastloss.dask.huber(ys, ps, **given).compute() == value
    lazily = fastloss.dask.huber.value_and_grad(ys, ps, **given)
    assert lazily[1].chunks == ps.chunks
    assert lazily[1].dtype == dtype
    got, slopes = dask.compute(*lazily)
    assert got == value
    same(slopes, grad, dtype)
    same(fastloss.dask.huber.grad(ys, ps, **given).compute(), grad, dtype)
    both = dask.compute(*fastloss.dask.huber.grad_and_hess(ys, ps, **given))
    same(both, fl.huber.grad_and_hess(y, p, **keywords), dtype)
    state = fastloss.dask.huber.partial(ys, ps, **given).compute()
    assert state.value() == value
    assert state == sum(
        fl.huber.partial(
            y[a : a + GRAIN],
            p[a : a + GRAIN],
            **{**keywords, "sample_weight": None if w is None else w[a : a + GRAIN]},
        )
        for a in range(0, N, GRAIN)
    )


KINDS: dict[str, tuple[fl.Loss, Any, tuple[int, ...]]] = {
    "classes": (
        fl.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=-1, class_weight=(1.0, 4.0, 0.5)
        ),
        (np.random.default_rng(2).integers(-1, 3, 640), numbers(640, 3)),
        (640,),
    ),
    "ignored": (
        fl.SparseCategoricalCrossentropy(from_logits=True, ignore_class=1),
        (np.random.default_rng(2).integers(0, 3, 640), numbers(640, 3)),
        (640,),
    ),
    "images": (
        fl.SparseCategoricalCrossentropy(from_logits=True, class_weight=(1.0, 2.0)),
        (np.random.default_rng(2).integers(0, 2, (128, 5)), numbers(128, 5, 2)),
        (128,),
    ),
    "rows": (
        fl.CategoricalCrossentropy(from_logits=True, class_weight=(1.0, 2.0, 3.0)),
        (np.eye(3)[np.random.default_rng(2).integers(0, 3, 640)], numbers(640, 3)),
        (640,),
    ),
    "heads": (
        fl.gaussian_nll,
        (numbers(640), (numbers(640, seed=3), np.exp(numbers(640, seed=4)))),
        (640,),
    ),
    "pairs": (fl.triplet, tuple(numbers(640, 7, seed=k) for k in range(3)), (640,)),
    "labelled": (
        fl.contrastive,
        (numbers(640) > 0, (numbers(640, 7), numbers(640, 7, seed=1))),
        (640,),
    ),
    "regions": (
        fl.Dice(axis=(0, 2)),
        (numbers(6, 128, 4) > 0, np.random.default_rng(5).random((6, 128, 4))),
        (128,),
    ),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_kinds(name: str, weighted: bool, reduction: str) -> None:
    loss, arguments, samples = KINDS[name]
    loss = loss._changed({"reduction": reduction})
    weight = np.random.default_rng(6).random(samples) + 0.5 if weighted else None
    given = None if weight is None else da.from_array(weight, chunks=64)
    calls = fastloss.dask.loss(loss)
    arrays = lazy(arguments, 64)
    value, slopes = loss.value_and_grad(*arguments, sample_weight=weight)
    lazily = dask.compute(*calls.value_and_grad(*arrays, sample_weight=given))
    assert lazily[0] == value
    same(lazily[1], slopes, "f8")
    assert calls(*arrays, sample_weight=given).compute() == value
    each = {"reduction": "none"}
    values = calls(*arrays, sample_weight=given, **each).compute()
    np.testing.assert_array_equal(
        values, loss(*arguments, sample_weight=weight, **each)
    )


def test_a_weight_for_several_samples() -> None:
    y, p = numbers(2, 128, 5)
    weight = np.random.default_rng(6).random(128)
    value, grad = fastloss.dask.mse.value_and_grad(
        *lazy((y, p), 64), sample_weight=da.from_array(weight, chunks=50)
    )
    expected = fl.mse.value_and_grad(y, p, sample_weight=weight)
    assert value.compute() == expected[0]
    same(grad.compute(), expected[1], "f8")


def test_values_of_samples() -> None:
    y, p = numbers(2, 100)
    ys, ps = lazy((y, p), 30)
    values, grad = fastloss.dask.mse.value_and_grad(ys, ps, reduction="none")
    assert values.chunks == ps.chunks
    expected = fl.mse.value_and_grad(y, p, reduction="none")
    np.testing.assert_array_equal(values.compute(), expected[0])
    np.testing.assert_array_equal(grad.compute(), expected[1])


def test_custom_losses() -> None:
    y, p = numbers(2, 640)
    noise = np.exp(numbers(640, seed=2))
    ys, ps, noises = lazy((y, p, noise), 64)
    calls = fastloss.dask.loss(noisy)
    value, grad = dask.compute(*calls.value_and_grad(ys, ps, noise=noises))
    expected = noisy.value_and_grad(y, p, noise=noise)
    assert value == expected[0]
    same(grad, expected[1], "f8")
    assert fastloss.dask.loss(rmse)(ys, ps).compute() == rmse(y, p)
    with pytest.raises(ValueError, match="a second look"):
        fastloss.dask.loss(rmse).grad(ys, ps)


def test_sequences() -> None:
    times = np.random.default_rng(0).random((64, 6))
    events, scores = numbers(64, 6) > 0, numbers(64, 6, seed=1)
    arrays = lazy(((times, events), scores), 16)
    total = {"reduction": "sum"}
    value, grad = dask.compute(*fastloss.dask.cox.value_and_grad(*arrays, **total))
    expected = fl.cox.value_and_grad((times, events), scores, **total)
    assert value == expected[0]
    same(grad, expected[1], "f8")
    with pytest.raises(ValueError, match='pass reduction="sum"'):
        fastloss.dask.cox.grad(*arrays)


# -- blocks ----------------------------------------------------------------------------


def test_blocks_of_others_follow_the_prediction() -> None:
    y, p, w = numbers(3, 1000)
    w = np.abs(w)
    ps = da.from_array(p, chunks=(300, 300, 300, 100))
    ys, ws = da.from_array(y, chunks=128), da.from_array(w, chunks=999)
    value, grad = fastloss.dask.mse.value_and_grad(ys, ps, sample_weight=ws)
    assert grad.chunks == ps.chunks
    assert value.compute() == pytest.approx(fl.mse(y, p, sample_weight=w), rel=1e-15)
    in_memory = fastloss.dask.mse(y, ps, sample_weight=w)
    assert in_memory.compute() == value.compute()


def test_classes_are_one_block() -> None:
    y, x = np.arange(60) % 5, numbers(60, 5)
    xs = da.from_array(x, chunks=(64, 2))
    grad = fastloss.dask.loss("scce", from_logits=True).grad(lazy(y, 64), xs)
    assert grad.chunks == ((60,), (5,))
    now = fl.SparseCategoricalCrossentropy(from_logits=True).grad(y, x)
    same(grad.compute(), now, "f8")


def frame(rows: int = 600) -> pd.DataFrame:
    y, p, q = numbers(3, rows)
    return pd.DataFrame(
        {"y": y, "p": p, "q": q, "w": np.abs(y) + 1, "label": np.arange(rows) % 2}
    )


def test_dataframes_of_unknown_sizes() -> None:
    table = frame()
    lazily = dd.from_pandas(table, npartitions=4)
    value, grad = fastloss.dask.huber.value_and_grad(
        lazily.y, lazily.p, sample_weight=lazily.w
    )
    assert np.isnan(grad.shape[0])
    got, slopes = dask.compute(value, grad)
    expected = fl.huber.value_and_grad(
        table.y.to_numpy(), table.p.to_numpy(), sample_weight=table.w.to_numpy()
    )
    assert got == pytest.approx(expected[0], rel=4e-16)
    same(slopes, expected[1], "f8")
    plain = dask.compute(*fastloss.dask.mse.value_and_grad(lazily.y, lazily.p))
    expected = fl.mse.value_and_grad(table.y.to_numpy(), table.p.to_numpy())
    assert plain[0] == pytest.approx(expected[0], rel=4e-16)
    same(plain[1], expected[1], "f8")
    rows = fastloss.dask.loss("scce", from_logits=True)
    value = rows(lazily.label, lazily[["p", "q"]]).compute()
    now = fl.SparseCategoricalCrossentropy(from_logits=True)(
        table.label.to_numpy(), table[["p", "q"]].to_numpy()
    )
    assert value == pytest.approx(now, rel=4e-16)


def test_blocks_of_unknown_sizes_must_agree() -> None:
    lazily = dd.from_pandas(frame(), npartitions=4)
    other = dd.from_pandas(frame(), npartitions=3)
    with pytest.raises(ValueError, match=r"y_true has \(3,\) blocks and y_pred \(4,\)"):
        fastloss.dask.mse(other.y, lazily.p)
    with pytest.raises(TypeError, match="sizes of the blocks of the predictions"):
        fastloss.dask.mse(np.zeros(600), lazily.p)


def never(block: Array) -> Array:
    if block.size:
        raise AssertionError("a block was computed")
    return block


def test_a_value_is_a_number() -> None:
    value = fastloss.dask.huber(da.zeros(10, chunks=4), da.ones(10, chunks=4))
    assert float(value) == 0.5
    assert isinstance(value.compute(), float)


def test_nothing_runs_before_it_is_asked_for() -> None:
    p = da.ones((100, 3), chunks=(30, 3)).map_blocks(
        never, meta=np.empty((0, 3)), dtype="f8"
    )
    y = da.zeros(100, chunks=30, dtype=int).map_blocks(
        never, meta=np.empty(0, int), dtype=int
    )
    calls = fastloss.dask.loss("scce", from_logits=True, class_weight=(1, 2, 3))
    value, grad = calls.value_and_grad(y, p, sample_weight=da.ones(100, chunks=30))
    assert (value.shape, value.dtype) == ((), "f8")
    assert (grad.shape, grad.dtype) == ((100, 3), "f8")
    calls.partial(y, p)
    calls.grad_and_hess(y, p)
    with pytest.raises(AssertionError, match="a block was computed"):
        value.compute()


def test_each_block_is_read_once(tmp_path: Path) -> None:
    """Value and gradient that are computed together."""

    def load(block: Array) -> Array:
        (tmp_path / f"{time.time_ns()}-{block[0]}").touch()
        return block

    p = da.arange(400.0, chunks=100).map_blocks(load, dtype="f8", meta=np.empty(0))
    weight = da.ones(400, chunks=100)
    y = da.zeros(400, chunks=100)
    value, grad = fastloss.dask.mse.value_and_grad(y, p, sample_weight=weight)
    dask.compute(value, grad.sum())
    assert len(list(tmp_path.iterdir())) == 4


# -- errors ----------------------------------------------------------------------------


def test_what_is_refused() -> None:
    y, p = lazy((np.zeros(60), np.ones(60)), 20)
    with pytest.raises(ValueError, match="a loss of groups, which blocks would cut"):
        fastloss.dask.loss("listnet")
    with pytest.raises(ValueError, match="compares each row with all others"):
        fastloss.dask.loss("ntxent")
    with pytest.raises(AttributeError, match="no_such_loss"):
        _ = fastloss.dask.no_such_loss
    with pytest.raises(TypeError, match="must be a Dask array, series or dataframe"):
        fastloss.dask.mse(y, np.ones(60))
    with pytest.raises(ValueError, match=r"y_true has shape \(60, 2\)"):
        fastloss.dask.mse(da.zeros((60, 2), chunks=20), p)
    with pytest.raises(ValueError, match="y_true has shape"):
        fastloss.dask.mse(y[:50], p)
    with pytest.raises(ValueError, match="sample_weight has shape"):
        fastloss.dask.mse(y, p, sample_weight=y[:50])
    with pytest.raises(ValueError, match="one region"):
        fastloss.dask.dice(y, p).compute()
    with pytest.raises(TypeError, match="takes y_true and y_pred, got 1"):
        fastloss.dask.mse(y)
    with pytest.raises(ValueError, match=r"shape \(\): it needs an axis"):
        fastloss.dask.mse(y.sum(), p.sum())


def test_errors_name_the_block() -> None:
    y = np.zeros(60)
    y[45] = 7
    value = fastloss.dask.bce(*lazy((y, np.full(60, 0.5)), 20))
    with pytest.raises(ValueError, match=r"in block 2 along the first axis: y_true\[5"):
        value.compute()


def test_weights_that_sum_to_zero() -> None:
    y, p, w = lazy((np.zeros(4), np.ones(4), np.array([1.0, -1.0, 0.0, 0.0])), 2)
    for lazily in fastloss.dask.mse.value_and_grad(y, p, sample_weight=w):
        with pytest.raises(ValueError, match="although not all weights are 0"):
            lazily.compute()
    dead = fastloss.dask.mse.value_and_grad(y, p, sample_weight=w * 0)
    value, grad = dask.compute(*dead)
    assert value == 0
    assert not grad.any()


# -- processes -------------------------------------------------------------------------


@pytest.fixture(params=[2, 4])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """Processes that have 400 MB each."""
    with (
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"}),
        LocalCluster(
            n_workers=request.param,
            threads_per_worker=1,
            processes=True,
            memory_limit="400MB",
            local_directory=str(tmp_path),
            dashboard_address=None,
        ) as local,
        Client(local) as client,
    ):
        yield client


BLOCK = 128 * GRAIN  # 4 MB of float32


def made(number: Any, seed: int) -> Array:
    """The same numbers wherever and whenever they are made."""
    random = np.random.default_rng([seed, int(number[0])])
    return random.random(BLOCK, dtype=np.float32)


def drawn(blocks: int, seed: int) -> Any:
    numbers = da.arange(blocks, chunks=1)
    return numbers.map_blocks(
        made, seed, dtype="f4", chunks=((BLOCK,) * blocks,), meta=np.empty(0, "f4")
    )


@pytest.mark.filterwarnings("ignore")  # of a worker that is gone
def test_more_than_the_memory_and_a_worker_that_dies(cluster: Client) -> None:
    """Labels, predictions, weights and gradients of 1.3 times the memory of all."""
    workers = cluster.scheduler_info(n_workers=-1)["workers"]
    blocks = int(1.3 * sum(w["memory_limit"] for w in workers.values())) // (16 * BLOCK)
    y, p, w = (drawn(blocks, seed) for seed in range(3))
    value, grad = fastloss.dask.huber.value_and_grad(y, p, sample_weight=w)
    running = cluster.compute([value, abs(grad).max()])
    victim = next(iter(cluster.run(os.getpid).values()))
    assert not any(future.done() for future in running)
    os.kill(victim, signal.SIGKILL)
    got, most = cluster.gather(running)
    assert victim not in cluster.run(os.getpid).values()
    state = fl.Partial(fl.huber)
    for number in range(blocks):
        labels, predictions, weights = (made([number], seed) for seed in range(3))
        state.update(labels, predictions, sample_weight=weights, squares=False)
    assert got == state.value()
    assert 0 < most <= 1 / state.weight


# -- recipes of docs/dask.md -----------------------------------------------------------


def test_joblib() -> None:
    y, p = numbers(2, N, dtype="f4")
    parts = [slice(a, a + GRAIN) for a in range(0, N, GRAIN)]
    states = joblib.Parallel(n_jobs=2)(
        joblib.delayed(fl.huber.partial)(y[part], p[part]) for part in parts
    )
    assert sum(states).value() == fl.huber(y, p)


RAY = """
import numpy as np
import ray

import fastloss as fl


@ray.remote
def state_of(y, p):
    return fl.huber.partial(y, p)


y, p = np.random.default_rng(0).normal(size=(2, 40_000)).astype("f4")
parts = [(y[a : a + 8192], p[a : a + 8192]) for a in range(0, 40_000, 8192)]
ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80_000_000)
states = ray.get([state_of.remote(y, p) for y, p in parts])
assert sum(states).value() == fl.huber(y, p)
ray.shutdown()
"""


def test_ray() -> None:
    """In a process of its own, which ends with all that Ray starts."""
    subprocess.run([sys.executable, "-c", RAY], check=True, timeout=200)


def test_groups_with_delayed() -> None:
    sizes = np.random.default_rng(0).integers(1, 6, 90)
    ends = np.cumsum(sizes)
    y, x = np.arange(ends[-1]) % 3, numbers(ends[-1])
    states = []
    for a in range(0, 90, 30):
        at = slice(ends[a] - sizes[a], ends[a + 29])
        part = dask.delayed(fl.listnet.partial)
        states.append(part(y[at], x[at], groups=sizes[a : a + 30]))
    state = dask.delayed(sum)(states).compute()
    assert state.value() == fl.listnet(y, x, groups=sizes)


@pytest.mark.parametrize("lazy", [True, False])
def test_labels_may_be_names_of_classes(lazy: bool) -> None:
    rows = np.array(
        [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [0.2, 0.2, 0.6]]
    )
    names = np.array(["a", "?", "c", "b"])
    loss = fl.SparseCategoricalCrossentropy(
        classes=["a", "b", "c"], ignore_class="?", class_weight={"b": 2.0, "c": 3.0}
    )
    value, grad = loss.value_and_grad(names, rows)
    blocks = da.from_array(rows, chunks=(2, 3))
    labels = da.from_array(names, chunks=2) if lazy else names
    found = fastloss.dask.loss(loss).value_and_grad(labels, blocks)
    assert float(found[0].compute()) == value
    np.testing.assert_allclose(found[1].compute(), grad, rtol=1e-15)
    assert fastloss.dask.loss(loss).partial(labels, blocks).compute().count == 3
    wrong = da.from_array(np.array(["a", "b", "c", "fox"]), chunks=2)
    with pytest.raises(ValueError, match="'fox' is none of the classes"):
        fastloss.dask.loss(loss)(wrong, blocks).compute()
    with pytest.raises(ValueError, match="'no' is none of the classes"):
        fastloss.dask.bce(
            da.from_array(["no"]), da.zeros(1), classes=["n", "y"]
        ).compute()
