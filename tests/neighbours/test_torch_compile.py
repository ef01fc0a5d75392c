"""Losses under PyTorch's names in compiled and exported graphs."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from test_torch import HEADS, inputs, numbers
from torch.nn import functional as F  # noqa: N812

import fastloss.torch
from fastloss.torch import functional

Tensor = torch.Tensor

#: The graph is made and run as it is, without a C compiler.
BACKEND = "aot_eager"


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    torch.compiler.reset()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "reduction")
        warnings.filterwarnings("ignore", ".torch.jit.script", DeprecationWarning)
        yield


def graphs(function: Any, *args: Any, **kwargs: Any) -> list[str]:
    """Names of the operations that a call is compiled to."""
    found: list[str] = []

    def keep(graph: torch.fx.GraphModule, _: Any) -> Any:
        found.extend(str(node.target) for node in graph.graph.nodes)
        return graph

    torch.compile(function, backend=keep, fullgraph=True)(*args, **kwargs)
    return found


def outcome(function: Any, name: str, reduction: str) -> list[Tensor]:
    tensors = inputs(name)
    heads = [tensors[k].requires_grad_() for k in HEADS.get(name, [0])]
    value = function(*tensors, reduction=reduction)
    scale = torch.rand(value.shape, generator=numbers(1), dtype=value.dtype) + 0.5
    return [value, *torch.autograd.grad(value, heads, scale)]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", sorted(functional.OWN))
def test_compiled(name: str, reduction: str) -> None:
    function = getattr(fastloss.torch, name)
    compiled = torch.compile(function, backend=BACKEND, fullgraph=True)
    got = outcome(compiled, name, reduction)
    own = functional.OWN[name]
    if name == "multilabel_margin_loss":  # PyTorch's forgets in graphs where lists end
        own = torch.compile(own, backend=BACKEND)
    expected = outcome(own, name, reduction)
    torch.testing.assert_close(got, expected, rtol=2e-14, atol=1e-15)


@pytest.mark.parametrize("name", sorted(functional.OWN))
def test_the_operator_is_in_the_graph(name: str) -> None:
    tensors = inputs(name)
    nodes = graphs(getattr(fastloss.torch, name), *tensors)
    here = name != "multilabel_margin_loss"  # whose lists are read to be understood
    assert ("fastloss.evaluate" in nodes) == here


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cross_entropy", {"weight": torch.linspace(0.5, 2, 5).double()}),
        ("cross_entropy", {"label_smoothing": 0.1, "ignore_index": 2}),
        (
            "binary_cross_entropy_with_logits",
            {"pos_weight": torch.arange(5.0).double()},
        ),
        ("huber_loss", {"weight": torch.rand(6, 5).double(), "delta": 0.5}),
        ("triplet_margin_loss", {"swap": True, "p": 1}),
    ],
)
def test_compiled_with_options(name: str, options: dict[str, Any]) -> None:
    function = getattr(fastloss.torch, name)
    assert "fastloss.evaluate" in graphs(function, *inputs(name), **options)
    compiled = torch.compile(function, backend=BACKEND, fullgraph=True)
    got, expected = (
        compiled(*inputs(name), **options),
        function(*inputs(name), **options),
    )
    torch.testing.assert_close(got, expected, rtol=1e-15, atol=0.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_compiled_half_floats(dtype: torch.dtype) -> None:
    x, y = inputs("cross_entropy", dtype)
    compiled = torch.compile(
        fastloss.torch.cross_entropy, backend=BACKEND, fullgraph=True
    )
    got, expected = (
        torch.autograd.grad(function(leaf, y), leaf)[0]
        for function in (compiled, fastloss.torch.cross_entropy)
        for leaf in [x.clone().requires_grad_()]
    )
    assert torch.equal(got, expected)


def test_compiled_gradient_of_a_difference() -> None:
    x, y = (t.requires_grad_() for t in inputs("mse_loss"))
    compiled = torch.compile(fastloss.torch.mse_loss, backend=BACKEND, fullgraph=True)
    a, b = torch.autograd.grad(compiled(x, y), (x, y))
    assert torch.equal(a, -b)
    assert a.any()


def test_dynamic_shapes() -> None:
    compiled = torch.compile(
        fastloss.torch.cross_entropy, backend=BACKEND, fullgraph=True, dynamic=True
    )
    for rows in (4, 7, 9):
        x = torch.randn(rows, 6, generator=numbers(), requires_grad=True)
        y = torch.randint(6, (rows,), generator=numbers())
        value = compiled(x, y)
        torch.testing.assert_close(value, F.cross_entropy(x, y))
        (grad,) = torch.autograd.grad(value, x)
        torch.testing.assert_close(grad.sum(1), torch.zeros(rows), rtol=0, atol=1e-6)


def test_numbers_that_a_graph_does_not_know() -> None:
    compiled = torch.compile(fastloss.torch.huber_loss, backend=BACKEND, fullgraph=True)
    x, y = inputs("huber_loss")
    for delta in (0.5, 0.7, 0.9, 1):
        expected = fastloss.torch.huber_loss(x, y, delta=delta)
        assert torch.equal(compiled(x, y, delta=delta), expected)


def test_compiled_modules() -> None:
    torch.manual_seed(0)
    net = torch.nn.Linear(5, 5).double()
    criteria = [
        fastloss.torch.CrossEntropyLoss(),
        fastloss.torch.loss("categorical_focal", from_logits=True),
    ]
    x, y = inputs("cross_entropy")
    for criterion in criteria:

        def step(x: Tensor, y: Tensor, criterion: Any = criterion) -> Tensor:
            return criterion(net(x), y)

        compiled = torch.compile(step, backend=BACKEND, fullgraph=True)
        got = torch.autograd.grad(compiled(x, y), list(net.parameters()))
        expected = torch.autograd.grad(step(x, y), list(net.parameters()))
        torch.testing.assert_close(got, expected, rtol=1e-13, atol=1e-16)


def test_compiled_under_patch() -> None:
    x, y = inputs("nll_loss")
    with fastloss.torch.patched():
        nodes = graphs(torch.nn.NLLLoss(), x, y)
    assert "fastloss.evaluate" in nodes


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("strict", [True, False])
def test_exported(strict: bool, reduction: str, tmp_path: Path) -> None:
    x, y = inputs("cross_entropy")
    module = fastloss.torch.CrossEntropyLoss(label_smoothing=0.1, reduction=reduction)
    program = torch.export.export(module, (x, y), strict=strict)
    nodes = [str(node.target) for node in program.graph.nodes]
    assert "fastloss.evaluate.default" in nodes
    expected = module(x, y)
    assert torch.equal(program.module()(x, y), expected)
    file = io.BytesIO()
    torch.export.save(program, file)
    (tmp_path / "program.pt2").write_bytes(file.getvalue())
    torch.save((x, y, expected), tmp_path / "tensors.pt")
    code = (
        "import sys, torch, fastloss.torch\n"
        "program = torch.export.load(sys.argv[1] + '/program.pt2').module()\n"
        "x, y, expected = torch.load(sys.argv[1] + '/tensors.pt')\n"
        "assert torch.equal(program(x, y), expected)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


@pytest.mark.parametrize("differentiated", [False, True])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Huber(delta={!r})", "huber_loss"),
        ("Huber(delta=0.5, reduction='none')", "huber_loss"),
        ("NLL(reduction='none')", "nll_loss"),
        ("CosineEmbedding(reduction='none')", "cosine_embedding_loss"),
        ("Triplet()", "triplet_margin_loss"),
    ],
)
def test_the_operator_is_one_of_pytorch(
    text: str, name: str, differentiated: bool
) -> None:
    tensors = inputs(name)
    places = HEADS.get(name, [0])
    heads = [tensors[k].requires_grad_(differentiated) for k in places]
    labels = [t for k, t in enumerate(tensors) if k not in places]
    torch.library.opcheck(
        torch.ops.fastloss.evaluate.default,
        (text, [0.5] * ("{" in text), labels, heads, None, None, differentiated),
    )


def test_the_operator_with_weights() -> None:
    x, y = inputs("cross_entropy")
    weight = torch.linspace(0.5, 2, 6, dtype=torch.float64)
    by_class = torch.linspace(0.5, 2, 5, dtype=torch.float64)
    text = "SparseCategoricalCrossentropy(from_logits=True, reduction='sum')"
    arguments = (text, [], [y], [x.requires_grad_()], weight, by_class, True)
    torch.library.opcheck(torch.ops.fastloss.evaluate.default, arguments)
    value, _ = torch.ops.fastloss.evaluate(*arguments)
    rows = F.cross_entropy(x, y, by_class, reduction="none")
    torch.testing.assert_close(value, (weight * rows).sum())


@pytest.mark.parametrize("text", ["Huber(delta=__import__('os'))", "1 + 1", "huber"])
def test_texts_that_are_no_losses(text: str) -> None:
    x = torch.zeros(3)
    with pytest.raises(ValueError, match=r"malformed|is no loss"):
        torch.ops.fastloss.evaluate(text, [], [x], [x], None, None, False)
