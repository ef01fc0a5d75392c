"""Losses under PyTorch's names: what its samples do not ask."""

from __future__ import annotations

import copy
import doctest
import inspect
import pickle
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.autograd import forward_ad
from torch.nn import functional as F  # noqa: N812

import fastloss as fl
import fastloss.torch
from fastloss.torch import calls, fallback, functional, modules, patching

Tensor = torch.Tensor
OWN = functional.OWN
REDUCTIONS = ["mean", "sum", "none"]


def numbers(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def inputs(name: str, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Predictions and labels that the loss of this name is for."""
    g = numbers(len(name))

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype)

    def unit(*shape: int) -> Tensor:
        return (torch.rand(*shape, generator=g, dtype=torch.float64) * 0.9 + 0.05).to(
            dtype
        )

    def signs(*shape: int) -> Tensor:
        return normal(*shape).sign()

    classes = torch.randint(5, (6,), generator=g)
    lists = torch.stack([torch.randperm(5, generator=g) for _ in range(6)])
    lists[1, 2:], lists[2, 0] = -1, -1
    made: dict[str, Callable[[], list[Tensor]]] = {
        "binary_cross_entropy": lambda: [unit(6, 5), unit(6, 5)],
        "binary_cross_entropy_with_logits": lambda: [normal(6, 5), unit(6, 5)],
        "cosine_embedding_loss": lambda: [normal(6, 5), normal(6, 5), signs(6)],
        "cross_entropy": lambda: [normal(6, 5), classes],
        "gaussian_nll_loss": lambda: [normal(6, 5), normal(6, 5), unit(6, 5)],
        "hinge_embedding_loss": lambda: [normal(6, 5).abs(), signs(6, 5)],
        "kl_div": lambda: [normal(6, 5).log_softmax(1), normal(6, 5).softmax(1)],
        "margin_ranking_loss": lambda: [normal(6), normal(6), signs(6)],
        "multi_margin_loss": lambda: [normal(6, 5), classes],
        "multilabel_margin_loss": lambda: [normal(6, 5), lists],
        "multilabel_soft_margin_loss": lambda: [normal(6, 5), unit(6, 5).round()],
        "nll_loss": lambda: [normal(6, 5), classes],
        "poisson_nll_loss": lambda: [normal(6, 5), unit(6, 5).mul(5).round()],
        "soft_margin_loss": lambda: [normal(6, 5), signs(6, 5)],
        "triplet_margin_loss": lambda: [normal(6, 5), normal(6, 5), normal(6, 5)],
    }
    return made.get(name, lambda: [normal(6, 5), normal(6, 5)])()


#: Places of the predictions, where it is not the first alone.
HEADS = {
    "cosine_embedding_loss": [0, 1],
    "gaussian_nll_loss": [0, 2],
    "margin_ranking_loss": [0, 1],
    "triplet_margin_loss": [0, 1, 2],
}

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in sorted(OWN)),
    ("mse_loss", {"weight": torch.linspace(0.5, 2, 30).reshape(6, 5)}),
    ("l1_loss", {"weight": torch.linspace(0.5, 2, 30).reshape(6, 5)}),
    ("huber_loss", {"weight": torch.linspace(0.5, 2, 30).reshape(6, 5), "delta": 0.5}),
    ("smooth_l1_loss", {"beta": 0.3}),
    ("smooth_l1_loss", {"beta": 0}),
    ("binary_cross_entropy", {"weight": torch.linspace(0.5, 2, 5)}),
    ("binary_cross_entropy_with_logits", {"weight": torch.linspace(0.5, 2, 5)}),
    ("binary_cross_entropy_with_logits", {"pos_weight": torch.linspace(0.5, 9, 5)}),
    ("binary_cross_entropy_with_logits", {"pos_weight": torch.tensor(3.0)}),
    (
        "binary_cross_entropy_with_logits",
        {"pos_weight": torch.linspace(0, 9, 5), "weight": torch.linspace(1, 2, 5)},
    ),
    ("cross_entropy", {"weight": torch.linspace(0.5, 2, 5)}),
    ("cross_entropy", {"ignore_index": 2, "label_smoothing": 0.2}),
    ("cross_entropy", {"weight": torch.linspace(0.5, 2, 5), "label_smoothing": 0.2}),
    ("nll_loss", {"weight": torch.linspace(0, 2, 5), "ignore_index": 3}),
    ("kl_div", {"reduction": "batchmean"}),
    ("poisson_nll_loss", {"eps": 0.5}),
    ("gaussian_nll_loss", {"full": True, "eps": 0.3}),
    ("multi_margin_loss", {"p": 2, "margin": 0.5}),
    ("multi_margin_loss", {"weight": torch.linspace(0.5, 2, 5)}),
    ("hinge_embedding_loss", {"margin": 0.5}),
    ("margin_ranking_loss", {"margin": 0.5}),
    ("cosine_embedding_loss", {"margin": 0.3}),
    ("triplet_margin_loss", {"p": 1, "swap": True, "margin": 0.5}),
]


def differentiated(function: Any, name: str, dtype: torch.dtype, **options: Any) -> Any:
    tensors = inputs(name, dtype)
    heads = [tensors[k].requires_grad_() for k in HEADS.get(name, [0])]
    options = {
        k: v.to(dtype) if isinstance(v, Tensor) else v for k, v in options.items()
    }
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "reduction")
        value = function(*tensors, **options)
    scale = torch.rand(value.shape, generator=numbers(1), dtype=dtype) + 0.5
    return value, torch.autograd.grad(value, heads, scale)


def calls_of(name: str) -> dict[str, int]:
    return fastloss.torch.report().get(name, {})


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_computed_here_as_there(
    name: str, options: dict[str, Any], reduction: str, dtype: torch.dtype
) -> None:
    options = {"reduction": reduction} | options
    before = calls_of(name).get("fastloss", 0)
    value, grads = differentiated(getattr(fastloss.torch, name), name, dtype, **options)
    rows = name == "multilabel_soft_margin_loss" and reduction != "mean"
    assert calls_of(name).get("fastloss", 0) == before + (not rows)
    expected, slopes = differentiated(OWN[name], name, dtype, **options)
    tight = {"rtol": 2e-14, "atol": 1e-15}
    if dtype is torch.float32:
        tight = {"rtol": 2e-6, "atol": 3e-7}
    torch.testing.assert_close(value, expected, **tight)
    for grad, slope in zip(grads, slopes, strict=True):
        torch.testing.assert_close(grad, slope, **tight)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", sorted(OWN))
def test_half_floats_are_right_to_their_last_digit(
    name: str, dtype: torch.dtype
) -> None:
    value, grads = differentiated(getattr(fastloss.torch, name), name, dtype)
    assert value.dtype == dtype
    exact = [t.double() if t.is_floating_point() else t for t in inputs(name, dtype)]
    heads = [exact[k].requires_grad_() for k in HEADS.get(name, [0])]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "reduction")
        expected = OWN[name](*exact)
    scale = torch.rand((), generator=numbers(1), dtype=dtype) + 0.5
    slopes = torch.autograd.grad(expected, heads, scale.double())
    eps = torch.finfo(dtype).eps
    kink = name in ("hinge_embedding_loss", "margin_ranking_loss")
    for got, wanted in zip((value, *grads), (expected, *slopes), strict=True):
        assert got.dtype == dtype
        if not kink:
            torch.testing.assert_close(got.double(), wanted, rtol=eps, atol=1e-7)


@pytest.mark.parametrize("name", sorted(OWN))
def test_signatures_are_those_of_pytorch(name: str) -> None:
    ours = inspect.signature(getattr(fastloss.torch, name))
    theirs = inspect.signature(OWN[name])
    for mine, other in zip(
        ours.parameters.values(), theirs.parameters.values(), strict=True
    ):
        assert (mine.name, mine.kind, mine.default) == (
            other.name,
            other.kind,
            other.default,
        )


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", sorted(OWN))
def test_gradients_of_gradients(name: str, reduction: str) -> None:
    function = getattr(fastloss.torch, name)
    tensors = inputs(name)
    places = HEADS.get(name, [0])
    difference = name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss")
    if difference:
        places = [0, 1]

    def of_heads(*heads: Tensor) -> Tensor:
        given = list(tensors)
        for place, head in zip(places, heads, strict=True):
            given[place] = head
        return function(*given, reduction=reduction)

    heads = [tensors[place].requires_grad_() for place in places]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "reduction")
        assert torch.autograd.gradcheck(of_heads, heads)
        if name in ("multi_margin_loss", "multilabel_margin_loss"):
            with pytest.raises(RuntimeError, match="backward is not implemented"):
                torch.autograd.gradgradcheck(of_heads, heads)  # nor are PyTorch's
        else:
            assert torch.autograd.gradgradcheck(of_heads, heads)


@pytest.mark.parametrize("shape", [(2, 5, 3), (2, 5, 3, 4)])
@pytest.mark.parametrize("soft", [False, True])
def test_classes_are_the_second_axis(shape: tuple[int, ...], soft: bool) -> None:
    x = torch.randn(*shape, generator=numbers(), dtype=torch.float64)
    y = torch.randint(5, shape[:1] + shape[2:], generator=numbers())
    if soft:
        y = torch.rand(*shape, generator=numbers(2), dtype=torch.float64).softmax(1)
    weight = torch.linspace(1, 2, 5, dtype=torch.float64)
    results = []
    for function in (OWN["cross_entropy"], fastloss.torch.cross_entropy):
        leaf = x.clone().requires_grad_()
        value = function(leaf, y, weight, label_smoothing=0.1)
        (grad,) = torch.autograd.grad(value, leaf, create_graph=True)
        (hvp,) = torch.autograd.grad((grad * x).sum(), leaf)
        results.append((value, grad, hvp))
        assert grad.is_contiguous()
    torch.testing.assert_close(*results, rtol=1e-13, atol=1e-15)


def test_nothing_to_average_is_nan() -> None:
    x = torch.randn(3, 4, requires_grad=True)
    ignored = torch.full((3,), -100)
    value = fastloss.torch.cross_entropy(x, ignored)
    value.backward()
    assert value.isnan()
    assert x.grad is not None
    assert not x.grad.any()
    assert fastloss.torch.cross_entropy(x, ignored, reduction="sum") == 0
    weightless = torch.tensor([0.0, 1.0, 1.0, 1.0])
    first = torch.zeros(3, dtype=torch.int64)
    assert fastloss.torch.nll_loss(x, first, weightless).isnan()
    sure = torch.tensor([[1000.0, 0.0]])
    assert fastloss.torch.cross_entropy(sure, first[:1]) == 0


def test_what_pytorch_clamps() -> None:
    p = torch.tensor([0.0, 0.5], requires_grad=True)
    value = fastloss.torch.binary_cross_entropy(p, torch.tensor([1.0, 1.0]))
    assert value == OWN["binary_cross_entropy"](p, torch.tensor([1.0, 1.0]))
    assert calls_of("binary_cross_entropy")["torch: refused, infinity"]
    apart = fastloss.torch.binary_cross_entropy(
        p.detach(), torch.tensor([1.0, 1.0]), reduction="none"
    )
    assert apart[0] == 100


def test_errors_are_those_of_pytorch() -> None:
    x, y = torch.zeros(2, 3), torch.tensor([0, 7])
    with pytest.raises(IndexError, match="Target 7 is out of bounds"):
        fastloss.torch.cross_entropy(x, y)
    with pytest.raises(ValueError, match="bad is not a valid value for reduction"):
        fastloss.torch.mse_loss(x, x, reduction="bad")
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        fastloss.torch.binary_cross_entropy(x - 1, x)
    with pytest.raises(TypeError):
        fastloss.torch.cross_entropy(None, y)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="Long"):
        fastloss.torch.cross_entropy(x, y.int())


def test_warnings_are_those_of_pytorch() -> None:
    with pytest.warns(UserWarning, match="broadcasting"):
        fastloss.torch.mse_loss(torch.zeros(3, 1), torch.zeros(3))
    with pytest.warns(UserWarning, match="size_average"):
        value = fastloss.torch.mse_loss(
            torch.ones(3), torch.zeros(3), size_average=False
        )
    assert value == 3
    with pytest.warns(UserWarning, match="batchmean"):
        fastloss.torch.kl_div(torch.zeros(1, 1), torch.ones(1, 1))


class Marked(torch.Tensor):
    """A subclass."""


#: PyTorch compiles rules of forward differentiation when it first needs one.
SCRIPTED = "ignore:.torch.jit.script:DeprecationWarning"


@pytest.mark.filterwarnings(SCRIPTED, "ignore:The PyTorch API of nested tensors")
def test_reasons() -> None:
    x, y = torch.randn(3, generator=numbers()), torch.ones(3)
    named = "binary_cross_entropy_with_logits"
    function = fastloss.torch.binary_cross_entropy_with_logits

    def reason(*given: Tensor) -> str:
        before = calls_of(named)
        function(*given)
        (new,) = calls_of(named).items() - before.items()
        return new[0]

    assert reason(x, y) == "fastloss"
    assert reason(x.to("meta"), y.to("meta")) == "torch: another device"
    assert reason(x.as_subclass(Marked), y) == "torch: a subclass of Tensor"
    assert reason(x, y.double()) == "torch: different dtypes"
    assert reason(x[:0], y[:0]) == "torch: an empty tensor"
    assert reason(torch.complex(x, x).conj().imag, y) == "torch: complex"
    assert reason(x, y * 2) == "torch: refused, y_true"
    label = y.clone().requires_grad_()
    assert reason(x, label) == "torch: the gradient of the target"
    with torch.no_grad():
        assert reason(x, label) == "fastloss"
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x, y)
        assert reason(dual, y) == "torch: forward-mode differentiation"
    nested = torch.nested.nested_tensor([x, x])
    assert fallback.unfit([nested]) == "sparse or nested"
    assert fallback.unfit([x.to_sparse()]) == "sparse or nested"


@pytest.mark.filterwarnings(SCRIPTED)
def test_transforms_are_left_to_pytorch() -> None:
    x, y = torch.randn(4, 3, generator=numbers()), torch.ones(4, 3)
    ours, theirs = fastloss.torch.huber_loss, OWN["huber_loss"]
    for transform in (torch.vmap, torch.func.grad, torch.func.jacrev):
        torch.testing.assert_close(transform(ours)(x, y), transform(theirs)(x, y))
    (_, a), (_, b) = (
        torch.func.jvp(lambda x, f=f: f(x, y), (x,), (y,)) for f in (ours, theirs)
    )
    torch.testing.assert_close(a, b)


def test_tracing_records_the_operation() -> None:
    x, y = torch.randn(4, 3, generator=numbers()), torch.ones(4, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(fastloss.torch.mse_loss, (x, y))
    assert traced(x * 2, y) == OWN["mse_loss"](x * 2, y)


def test_autocast_gives_float32() -> None:
    x, y = torch.randn(4, 3, dtype=torch.bfloat16), torch.tensor([0, 1, 2, 0])
    with torch.autocast("cpu", torch.bfloat16):
        assert fastloss.torch.cross_entropy(x, y).dtype == torch.float32
        mixed = fastloss.torch.mse_loss(x, x.float())
    assert mixed.dtype == torch.float32


@pytest.mark.parametrize("layout", ["F", "strided", "expanded"])
def test_any_layout(layout: str) -> None:
    x = torch.randn(6, 8, generator=numbers(), dtype=torch.float64)
    x = {"F": x.t(), "strided": x[:, ::2], "expanded": x[:, :1].expand(6, 8)}[layout]
    y = torch.randint(x.shape[1], x.shape[:1], generator=numbers())
    grads = []
    for function in (fastloss.torch.cross_entropy, OWN["cross_entropy"]):
        leaf = x.detach().requires_grad_()
        (grad,) = torch.autograd.grad(function(leaf, y), leaf)
        grads.append(grad)
    torch.testing.assert_close(*grads, rtol=1e-13, atol=1e-16)


def test_no_copy() -> None:
    x = torch.randn(4, 3)
    assert np.shares_memory(calls._array(x), x.numpy())


def test_backward_twice_and_accumulated() -> None:
    x = torch.randn(4, 3, requires_grad=True)
    y = torch.tensor([0, 1, 2, 0])
    value = fastloss.torch.cross_entropy(x, y)
    value.backward(retain_graph=True)
    assert x.grad is not None
    once = x.grad.clone()
    value.backward()
    torch.testing.assert_close(x.grad, 2 * once)
    with pytest.raises(RuntimeError, match="second time"):
        value.backward()


@pytest.mark.parametrize("name", [n for n in modules.__all__ if hasattr(torch.nn, n)])
def test_modules_are_those_of_pytorch(name: str) -> None:
    ours = getattr(fastloss.torch, name)
    theirs = getattr(torch.nn, name)
    assert issubclass(ours, theirs)
    assert inspect.signature(ours) == inspect.signature(theirs)
    module = ours()
    again = pickle.loads(pickle.dumps(module))
    assert repr(again) == repr(copy.deepcopy(module)) == repr(theirs())
    tensors = inputs(type(module)._function.__name__)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "reduction")
        torch.testing.assert_close(module(*tensors), theirs()(*tensors))
        again.load_state_dict(theirs().state_dict())


def test_patch() -> None:
    own = F.cross_entropy
    module = torch.nn.CrossEntropyLoss()
    x, y = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    before = calls_of("cross_entropy").get("fastloss", 0)
    with fastloss.torch.patched():
        assert F.cross_entropy is fastloss.torch.cross_entropy
        with fastloss.torch.patched():
            module(x, y)
        assert F.cross_entropy is fastloss.torch.cross_entropy
    assert F.cross_entropy is own
    fastloss.torch.patch()
    fastloss.torch.patch()
    F.cross_entropy(x, y)
    fastloss.torch.unpatch()
    assert F.cross_entropy is own
    assert calls_of("cross_entropy")["fastloss"] == before + 2


def test_other_losses() -> None:
    x = torch.randn(6, generator=numbers(), dtype=torch.float64)
    y = (torch.rand(6, generator=numbers(1)) > 0.5).double()
    criterion = fastloss.torch.loss("focal", gamma=2.0, reduction="none")
    assert "gamma=2.0" in repr(criterion)

    def by_hand(x: Tensor) -> Tensor:
        z = torch.where(y > 0, x, -x)
        return -((1 - z.sigmoid()) ** 2) * F.logsigmoid(z)

    leaf = x.clone().requires_grad_()
    torch.testing.assert_close(criterion(leaf, y), by_hand(leaf))
    assert torch.autograd.gradcheck(lambda x: criterion(x, y), leaf)
    assert torch.autograd.gradgradcheck(lambda x: criterion(x, y), leaf)
    weight = torch.linspace(0.5, 2, 6, dtype=torch.float64)
    weighted = fastloss.torch.loss("focal")(leaf, y, sample_weight=weight)
    torch.testing.assert_close(weighted, (by_hand(x) * weight).sum() / weight.sum())
    assert torch.autograd.gradgradcheck(
        lambda x: fastloss.torch.loss("focal")(x, y, sample_weight=weight), leaf
    )


def test_losses_of_more_than_a_prediction_and_a_label() -> None:
    a, b, c = (
        torch.randn(4, 3, generator=numbers(k), requires_grad=True) for k in range(3)
    )
    triplet = fastloss.torch.loss("triplet", margin=0.5)
    expected = OWN["triplet_margin_loss"](a, b, c, margin=0.5)
    torch.testing.assert_close(triplet(a, b, c), expected)
    laplace = fastloss.torch.loss("laplace_nll")
    value = laplace((a, b.exp()), c.detach())
    distribution = torch.distributions.Laplace(a, b.exp())
    expected = -distribution.log_prob(c.detach()).mean() - np.log(2)
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
    mine = torch.autograd.grad(value, (a, b))
    theirs = torch.autograd.grad(expected, (a, b))
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-6)


def test_custom_losses() -> None:
    @fl.custom
    def asymmetric(y_true: Any, y_pred: Any, factor: float = 3.0) -> Any:
        r = y_pred - y_true
        return np.where(r > 0, factor * r**2, r**2)

    x = torch.randn(6, generator=numbers(), dtype=torch.float64, requires_grad=True)
    y = torch.zeros(6, dtype=torch.float64)
    criterion = fastloss.torch.loss(asymmetric, factor=2.0)
    assert torch.autograd.gradcheck(lambda x: criterion(x, y), x)
    assert torch.autograd.gradgradcheck(lambda x: criterion(x, y), x)


def test_what_other_losses_refuse() -> None:
    x = torch.zeros(2, 3, requires_grad=True)
    criterion = fastloss.torch.loss("categorical_focal", from_logits=True)
    value = criterion(x, torch.tensor([0, 1]))
    with pytest.raises(NotImplementedError, match=r"categorical_focal is diff.*twice"):
        torch.autograd.grad(value, x, create_graph=True)
    with pytest.raises(TypeError, match=r"takes tensors, got ndarray: .*as_tensor"):
        fastloss.torch.loss("huber")(np.zeros(3), np.zeros(3))
    with pytest.raises(NotImplementedError, match="this is another device"):
        criterion(x.to("meta"), torch.tensor([0, 1], device="meta"))
    with pytest.raises(ValueError, match=r"y_true\[1\] = 5 is not a class"):
        criterion(x, torch.tensor([0, 5]))
    with pytest.raises(ValueError, match="no loss is called"):
        fastloss.torch.loss("fokal_los")


def trained(functions: Any, dtype: torch.dtype) -> list[float]:
    """Losses of a small network while it learns."""
    torch.manual_seed(0)
    x = torch.randn(256, 8, dtype=dtype)
    y = (x[:, :3] + 0.3 * torch.randn(256, 3, dtype=dtype)).argmax(1)
    net = torch.nn.Sequential(
        torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3)
    ).to(dtype)
    descent = torch.optim.Adam(net.parameters(), 0.02)
    curve = []
    for step in range(120):
        part = slice(32 * step % 256, 32 * step % 256 + 32)
        logits = net(x[part])
        ones = F.one_hot(y[part], 3).to(dtype)
        loss = functions.cross_entropy(logits, y[part], label_smoothing=0.1)
        loss = loss + 0.1 * functions.mse_loss(logits.softmax(1), ones)
        loss = loss + 0.1 * functions.binary_cross_entropy_with_logits(logits, ones)
        descent.zero_grad()
        loss.backward()
        descent.step()
        curve.append(loss.item())
    return curve


@pytest.mark.parametrize(
    ("dtype", "far"), [(torch.float64, 1e-12), (torch.float32, 1e-4)]
)
def test_a_network_learns_the_same(dtype: torch.dtype, far: float) -> None:
    theirs, ours = trained(F, dtype), trained(fastloss.torch, dtype)
    assert theirs[-1] < 0.7 * theirs[0]
    np.testing.assert_allclose(ours, theirs, rtol=far)


def test_threads_of_pytorch_are_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(calls, "get_num_threads", lambda: 10**6)
    monkeypatch.setattr(calls, "threads", lambda n: (seen.append(n), fl.threads(n))[1])
    monkeypatch.setattr(calls, "get_num_threads", lambda: 1 if seen else 10**6)
    fastloss.torch.mse_loss(torch.zeros(3), torch.ones(3))
    assert seen == [torch.get_num_threads()]


def test_in_threads_and_in_turns_with_pytorch() -> None:
    x = torch.randn(512, 200, generator=numbers())
    y = torch.randint(200, (512,), generator=numbers())
    expected = fastloss.torch.cross_entropy(x, y)
    found: list[Tensor] = []

    def work() -> None:
        for _ in range(20):
            leaf = x.clone().requires_grad_()
            (leaf @ leaf.t()).sum().backward()
            found.append(fastloss.torch.cross_entropy(leaf, y).detach())

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 60
    assert all(torch.equal(value, expected) for value in found)


@pytest.mark.parametrize(
    "module", [fastloss.torch, fallback, modules, patching], ids=lambda m: m.__name__
)
def test_examples(module: Any) -> None:
    fallback._counts.clear()
    assert doctest.testmod(module).failed == 0


def test_labels_may_be_named_by_other_numbers() -> None:
    loss = fl.SparseCategoricalCrossentropy(
        classes=[30, 10, 20], ignore_class=20, class_weight={10: 0.0}
    )
    x, y = torch.full((3, 3), 1 / 3), torch.tensor([10, 20, 30])
    assert fastloss.torch.loss(loss)(x, y).item() == loss(y.numpy(), x.numpy())
    nothing = fastloss.torch.loss(loss)(x, torch.tensor([10, 20, 10]))
    assert torch.isnan(nothing)  # as of PyTorch, where no row weighs anything
