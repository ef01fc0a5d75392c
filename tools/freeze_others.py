"""Freeze what smaller libraries give, for the tests to compare with.

    python tools/freeze_others.py

Needs the extra `freeze` and allRank, monai, segmentation-models-pytorch and
torchvision. Cases are those of
`tools/freeze.py`, for losses of more than one label and one prediction, with the
arguments of the call by name where they have one; `tests/data/peers_others.json` keeps
them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from itertools import chain, product
from typing import Any

os.environ |= {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1"}

import jax
import jax.numpy as jnp
import keras
import monai.losses
import numpy as np
import optax
import segmentation_models_pytorch.losses as smp
import torch
from allrank.models import losses
from freeze import FILE, PRECISION, listed, tensor, write
from segmentation_models_pytorch.losses import _functional as smp_scores
from segmentation_models_pytorch.losses import lovasz as smp_lovasz
from torchvision import ops

keras.config.set_floatx("float64")

Array = np.ndarray[Any, np.dtype[Any]]
Cases = Iterator[dict[str, Any]]


def of_tensor(function: Callable[[Any], Any], x: Array) -> tuple[Any, Any]:
    """Value and gradient of a function of a tensor."""
    at = tensor(x).requires_grad_()
    value = function(at)
    value.sum().backward()
    return listed(value.detach()), listed(at.grad)


def case(
    loss: str,
    library: str,
    arguments: Any,
    results: Any,
    precision: float = 1e-12,
    **keywords: Any,
) -> dict[str, Any]:
    """A case as the file has it."""
    value, grad = results
    return {
        "loss": loss,
        "library": f"{library} {version(library)}",
        "precision": PRECISION.get(library, precision),
        "arguments": [listed(a) for a in arguments],
        "keywords": {name: listed(a) for name, a in keywords.items()},
        "value": value,
        "grad": grad,
    }


def segmentation() -> Cases:
    """Regions of two samples and three classes, of hard and soft labels."""
    draw = np.random.default_rng(7)
    hard = draw.integers(0, 2, (2, 3, 4, 5)).astype(float)
    soft, p = draw.uniform(size=hard.shape), draw.uniform(size=hard.shape)
    none = 'axis=(2, 3), reduction="none"'

    monai_losses = {
        "Dice": (monai.losses.DiceLoss, 1.0, {}),
        "Jaccard": (monai.losses.DiceLoss, 2.0, {"jaccard": True}),
        "Tversky": (monai.losses.TverskyLoss, 1.0, {"alpha": 0.3, "beta": 1.25}),
    }
    for (name, (theirs, times, options)), (y, tp) in product(
        monai_losses.items(), ((hard, "product"), (soft, "absolute"))
    ):
        smooth = {"smooth_nr": 0.5 * times, "smooth_dr": 0.5 * times}
        soft_label = {"soft_label": tp == "absolute"}
        loss = theirs(reduction="none", **options, **smooth, **soft_label)

        def of_monai(x: Any, f: Any = loss, y: Array = y) -> Any:
            return f(x, tensor(y)).reshape(2, 3)

        own = "".join(f"{k}={v}, " for k, v in options.items() if k != "jaccard")
        shown = f"fl.{name}({own}smooth=0.5, tp={tp!r}, {none})"
        yield case(shown, "monai", (y, p), of_tensor(of_monai, p))
    empty = hard.copy()
    empty[1, 2] = 0  # a class without labels
    for weighting, y in product(("square", "simple", "uniform"), (hard, empty)):
        loss = monai.losses.GeneralizedDiceLoss(
            w_type=weighting, smooth_nr=0.5, smooth_dr=0.5, reduction="none"
        )

        def of_classes(x: Any, f: Any = loss, y: Array = y) -> Any:
            return f(x, tensor(y)).reshape(2)

        shown = f"fl.GeneralizedDice(class_axis=1, weighting={weighting!r}, "
        shown += f"smooth=0.5, tp='product', {none})"
        # whose weights are in float32
        yield case(shown, "monai", (y, p), of_tensor(of_classes, p), 1e-7)
    library = "segmentation-models-pytorch"
    for alpha, beta, y in product((0.3, 1.0), (0.6, 1.0), (hard, soft)):

        def of_smp(x: Any, a: float = alpha, b: float = beta, y: Array = y) -> Any:
            x, y = x.reshape(2, 3, -1), tensor(y).reshape(2, 3, -1)
            return 1 - smp_scores.soft_tversky_score(
                x, y, a, b, smooth=0.25, dims=(0, 2)
            )

        options = "smooth=0.25, tp='absolute', axis=(0, 2, 3), reduction='none'"
        losses = [f"fl.Tversky(alpha={alpha}, beta={beta}, gamma=1.0, {options})"]
        if alpha == beta == 1:
            losses.append(f"fl.Jaccard({options})")
        for shown in losses:
            yield case(shown, library, (y, p), of_tensor(of_smp, p))
    for gamma in (0.75, 2.0):
        theirs = smp.TverskyLoss(
            "binary", from_logits=False, alpha=0.3, beta=0.6, gamma=gamma, smooth=1.0
        )

        def power(x: Any, f: Any = theirs) -> Any:
            return f(x, tensor(hard))

        shown = f"fl.Tversky(alpha=0.3, beta=0.6, gamma={gamma}, smooth=1.0, axis=None)"
        yield case(shown, library, (hard, p), of_tensor(power, p))
    for y, eps in product((hard, soft), (1e-5, 0.5)):

        def of_mcc(x: Any, y: Array = y, eps: float = eps) -> Any:
            return smp.MCCLoss(eps)(x, tensor(y))

        shown = f"fl.MCC(smooth={eps}, tp='product', axis=None)"
        yield case(shown, library, (y, p), of_tensor(of_mcc, p))
    for alpha, beta in ((0.5, 0.5), (0.2, 0.7)):
        # Keras exchanges alpha and beta, and adds 1e-7 below alone.
        value = listed(keras.losses.tversky(hard, p, alpha, beta, axis=(1, 2, 3)))
        shown = f"fl.Tversky(alpha={beta}, beta={alpha}, smooth=0.0, axis=(1, 2, 3), "
        yield case(shown + 'reduction="none")', "keras", (hard, p), (value, None))


def sorted_regions() -> Cases:
    """Two samples, of the batch and each; a class that one of them has not.

    The library calculates in float32.
    """
    library = "segmentation-models-pytorch"
    draw = np.random.default_rng(9)
    x = draw.normal(size=(2, 4, 5))
    p = draw.dirichlet(np.ones(3), size=(2, 4, 5)).transpose(0, 3, 1, 2)
    mask = draw.integers(0, 2, (2, 4, 5))
    y = draw.integers(0, 3, (2, 4, 5))
    y[1] %= 2
    for ignore, each in product((None, 255), (False, True)):
        void = draw.random(mask.shape) < 0.2
        labels = [np.where(void & (ignore is not None), 255, a) for a in (mask, y)]

        def hinge(x: Any, y: Array = labels[0], i: Any = ignore, e: bool = each) -> Any:
            return smp_lovasz._lovasz_hinge(x.float(), torch.tensor(y), e, i)

        axis = (1, 2) if each else None
        shown = f"fl.LovaszHinge(axis={axis}, ignore_class={ignore})"
        yield case(shown, library, (labels[0], x), of_tensor(hinge, x), 2e-5)
        for average in ("present", "all"):

            def softmax(
                p: Any,
                y: Array = labels[1],
                i: Any = ignore,
                e: bool = each,
                average: str = average,
            ) -> Any:
                y = torch.tensor(y)
                return smp_lovasz._lovasz_softmax(p.float(), y, average, e, i)

            axis = (2, 3) if each else None
            shown = f"fl.LovaszSoftmax(axis={axis}, ignore_class={ignore}, "
            shown += f"class_axis=1, average={average!r})"
            yield case(shown, library, (labels[1], p), of_tensor(softmax, p), 2e-5)


def ranking() -> Cases:
    """Lists of six entries; for the likelihood of an order, relevances that differ."""
    draw = np.random.default_rng(8)
    x = draw.normal(size=(3, 6)) * 1.5
    y = draw.integers(0, 4, x.shape).astype(float)
    order = np.argsort(draw.uniform(size=x.shape)).astype(float)
    groups = np.full(3, 6)

    def lists(
        loss: str, theirs: Any, y: Array, x: Array, precision: float, plus: float = 0
    ) -> dict[str, Any]:
        def function(x: Any) -> Any:
            return theirs(x.reshape(-1, 6), tensor(y))

        value, grad = of_tensor(function, x.ravel())
        results, sizes = (value + plus, grad), groups[: len(x)]
        arguments = y.ravel(), x.ravel()
        return case(loss, "allRank", arguments, results, precision, groups=sizes)

    def lambdas(sigma: float, scheme: str | None) -> Any:
        options = {"weighing_scheme": scheme, "reduction_log": "natural"}
        return partial(losses.lambdaLoss, sigma=sigma, **options)

    # where discounts are in float32, or 1e-10 is added to a probability
    coarse, eps = 1e-6, 1e-8
    yield lists("fl.ListNet()", losses.listNet, y, x, eps)
    yield lists("fl.ListMLE()", losses.listMLE, order, x, eps)
    shown = "fl.PairwiseLogistic(sigma=1.0, pairs='mean')"
    yield lists(shown, losses.rankNet, y[:1], x[:1], eps)
    for sigma in (1.0, 0.4):
        shown = f"fl.PairwiseLogistic(sigma={sigma}, pairs='sum', reduction='sum')"
        yield lists(shown, lambdas(sigma, None), y, x, 1e-12)
        shown = f"fl.LambdaRank(sigma={sigma}, k=None, gain='exponential', "
        yield lists(
            shown + "reduction='sum')",
            lambdas(sigma, "lambdaRank_scheme"),
            y,
            x,
            coarse,
        )
    for alpha in (1.0, 10.0):
        shown = f"fl.ApproxNDCG(alpha={alpha}, gain='exponential')"
        theirs = partial(losses.approxNDCGLoss, alpha=alpha)
        yield lists(shown, theirs, y, x, 10 * coarse, 1.0)
    softmax = optax.losses.ranking_softmax_loss
    grad = jax.grad(lambda x: softmax(x, jnp.asarray(y)))(jnp.asarray(x))
    results = listed(softmax(jnp.asarray(x), jnp.asarray(y))), listed(np.ravel(grad))
    arguments = y.ravel(), x.ravel()
    yield case("fl.RankingSoftmax()", "optax", arguments, results, groups=groups)


def boxes() -> Cases:
    """Boxes that meet, one inside another, apart, and with a side in common."""
    draw = np.random.default_rng(9)
    true, pred = (draw.uniform(0, 3, (12, 4)) for _ in range(2))
    for box in (true, pred):
        box[:, 2:] += box[:, :2] + 0.1
    pred[0], pred[1, 2] = true[0], true[1, 2]
    pred[2] = true[2] + [0.02, 0.02, -0.02, -0.02]
    pred[3] = true[3] + 20
    convert = ops.box_convert
    for name, theirs in (
        ("GIoU", ops.generalized_box_iou_loss),
        ("DIoU", ops.distance_box_iou_loss),
        ("CIoU", ops.complete_box_iou_loss),
    ):
        # torchvision's ciou takes its own eps in one of two places
        for eps, form in product(
            (1e-7,) if name == "CIoU" else (1e-7, 0.5), ("xyxy", "xywh", "cxcywh")
        ):
            y, x = (listed(convert(tensor(box), "xyxy", form)) for box in (true, pred))

            def function(
                x: Any, y: Any = y, f: Any = theirs, e: float = eps, form: str = form
            ) -> Any:
                corners = (convert(box, form, "xyxy") for box in (x, tensor(y)))
                return f(*corners, eps=e)

            shown = f'fl.{name}(eps={eps}, format={form!r}, reduction="none")'
            results = of_tensor(function, np.array(x))
            yield case(shown, "torchvision", (y, x), results)
    for form in ("xyxy", "cxcywh"):
        y, x = (listed(convert(tensor(box), "xyxy", form)) for box in (true, pred))

        def iou(x: Any, y: Any = y, form: str = form) -> Any:
            corners = (convert(box, form, "xyxy") for box in (x, tensor(y)))
            return 1 - ops.box_iou(*corners).diagonal()

        shown = f'fl.IoU(eps=0.0, format={form!r}, reduction="none")'
        yield case(shown, "torchvision", (y, x), of_tensor(iou, np.array(x)))


def main() -> None:
    """Run every case and write the file."""
    torch.set_default_dtype(torch.float64)
    write(
        FILE.with_name("peers_others.json"),
        list(chain(segmentation(), sorted_regions(), ranking(), boxes())),
    )


if __name__ == "__main__":
    main()
