"""Write docs/posted_losses.md: losses as people post them, and their worst errors.

    python tools/posted_losses.py

Each form is run in both dtypes over its whole range and compared with 360 digits. An
error is in ulps of the result, plus what one ulp of y_pred or y_true moves the result:
of more than that no formula can do without.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import formulas  # noqa: E402
import jets  # noqa: E402
import judgement  # noqa: E402

import fastloss as fl  # noqa: E402

BITS, SIGNS = (0.0, 1.0), (-1.0, 1.0)
COUNTS, SOFT = (0.0, 1.0, 3.0, 20.0), (0.25, 0.5, 0.875)
P = "1/(1+np.exp(-p))"
CE = f"(-(y*np.log({P})+(1-y)*np.log(1-{P})))"
PT = f"np.where(y==1,{P},1-{P})"
MIXED = f"({P}*y+(1-{P})*(1-y))"
LOGITS_CE = "(np.maximum(p,0)-p*y+np.log1p(np.exp(-np.abs(p))))"


@dataclass(frozen=True)
class Posted:
    """A loss in its posted form; `p` names what its predictions are."""

    name: str
    source: str
    labels: tuple[float, ...] = (0.0, 1.25)
    p: str = "real"
    parameters: dict[str, float] = field(default_factory=dict)


def _(*args: Any, **parameters: float) -> Posted:
    return Posted(*args, parameters=parameters)


LOSSES = [
    _("cross-entropy of a sigmoid", CE, BITS, "logit"),
    _("its logarithm of a choice", f"-np.log({PT})", BITS, "logit"),
    _("its form for logits", LOGITS_CE, (*BITS, 0.25), "logit"),
    _("of probabilities", "-(y*np.log(p)+(1-y)*np.log(1-p))", BITS, "unit"),
    _(
        "torch's pos_weight",
        "(1-y)*p+(1+(a-1)*y)*(np.log1p(np.exp(-np.abs(p)))+np.maximum(-p,0))",
        BITS,
        "logit",
        a=3.0,
    ),
    *(
        _(f"focal, gamma {a}", form, BITS, "logit", a=a)
        for a in (0.0, 0.5, 1.5, 2.0)
        for form in (f"-y*(1-{P})**a*np.log({P})-(1-y)*({P})**a*np.log(1-{P})",)
    ),
    _(
        "focal by a choice, gamma 0.5",
        f"-(1-{PT})**a*np.log({PT})",
        BITS,
        "logit",
        a=0.5,
    ),
    _("focal by a choice, gamma 2", f"-(1-{PT})**a*np.log({PT})", BITS, "logit", a=2.0),
    _(
        "torchvision's focal, gamma 0.5",
        f"{LOGITS_CE}*(1-{MIXED})**a*(b*y+(1-b)*(1-y))",
        BITS,
        "logit",
        a=0.5,
        b=0.25,
    ),
    _(
        "torchvision's focal, gamma 2",
        f"{LOGITS_CE}*(1-{MIXED})**a*(b*y+(1-b)*(1-y))",
        BITS,
        "logit",
        a=2.0,
        b=0.25,
    ),
    _(
        "focal of exp(-ce), gamma 1.5",
        f"(1-np.exp(-{LOGITS_CE}))**a*{LOGITS_CE}",
        BITS,
        "logit",
        a=1.5,
    ),
    _(
        "asymmetric (ASL)",
        f"-(y*np.log({P})+(1-y)*np.log(np.minimum(1-{P}+0.05,1)))"
        f"*(1-({P}*y+np.minimum(1-{P}+0.05,1)*(1-y)))**(a*y+b*(1-y))",
        BITS,
        "logit",
        a=1.0,
        b=4.0,
    ),
    _("poly-1", f"{LOGITS_CE}+a*(1-{MIXED})", BITS, "logit", a=2.0),
    _("generalised cross-entropy", f"(1-({MIXED})**a)/a", BITS, "logit", a=0.7),
    _("Brier score of a sigmoid", f"({P}-y)**2", BITS, "logit"),
    _("logistic, labels -1 and 1", "np.log(1+np.exp(-y*p))", SIGNS, "logit"),
    _("exponential", "np.exp(-y*p)", SIGNS, "logit"),
    _("Savage", "1/(1+np.exp(2*y*p))**2", SIGNS, "logit"),
    _("tangent", "(2*np.arctan(y*p)-1)**2", SIGNS),
    _("squared hinge", "np.maximum(0,1-y*p)**2", SIGNS),
    _("Huber", "np.where(np.abs(p-y)<=a,0.5*(p-y)**2,a*(np.abs(p-y)-0.5*a))", a=1.5),
    _("pseudo-Huber", "np.sqrt(a**2+(p-y)**2)-a", a=1.5),
    _("pseudo-Huber, scaled", "a**2*(np.sqrt(1+((p-y)/a)**2)-1)", a=1.5),
    _("Charbonnier", "np.sqrt((p-y)**2+a**2)", a=2.0**-10),
    _("log-cosh", "np.log(np.cosh(p-y))", (0.0, 1.25), "logit"),
    _("Cauchy", "np.log(1+((p-y)/a)**2)", a=1.5),
    _("Geman-McClure", "(p-y)**2/((p-y)**2+a**2)", a=1.5),
    _("Geman-McClure, from 1", "1-a**2/((p-y)**2+a**2)", a=1.5),
    _("Welsch", "a**2/2*(1-np.exp(-((p-y)/a)**2))", a=1.5),
    _("Fair", "a**2*(np.abs(p-y)/a-np.log(1+np.abs(p-y)/a))", a=1.5),
    _(
        "Barron's general, alpha 1.5",
        "np.abs(a-2)/a*((((p-y)/b)**2/np.abs(a-2)+1)**(a/2)-1)",
        a=1.5,
        b=0.75,
    ),
    _("|r|/(1 + |r|)", "np.abs(p-y)/(1+np.abs(p-y))"),
    _("LINEX", "b*(np.exp(a*(p-y))-a*(p-y)-1)", (0.0,), "logit", a=0.5, b=2.0),
    _("smoothed pinball", "a*np.log(1+np.exp(-(y-p)/a))+b*(y-p)", a=0.5, b=0.9),
    _("expectile", "np.where(p>y,1-a,a)*(p-y)**2", a=0.9),
    _("Poisson, log link", "np.exp(p)-y*p", COUNTS, "log"),
    _("Poisson deviance", "2*(y*np.log(y/p)-(y-p))", COUNTS[1:], "positive"),
    _("gamma, log link", "p+y*np.exp(-p)", COUNTS[1:], "log"),
    _("gamma deviance", "2*(np.log(p/y)+y/p-1)", COUNTS[1:], "positive"),
    _(
        "Tweedie, log link",
        "-y*np.exp(p*(1-a))/(1-a)+np.exp(p*(2-a))/(2-a)",
        COUNTS,
        "log",
        a=1.5,
    ),
    _("inverse Gaussian deviance", "(y-p)**2/(y*p**2)", COUNTS[1:], "positive"),
    _("negative binomial", "(y+1/a)*np.log(1+a*np.exp(p))-y*p", COUNTS, "log", a=0.5),
    _("Kullback-Leibler", "y*np.log(y/p)", SOFT, "positive"),
    _("Itakura-Saito", "y/p-np.log(y/p)-1", COUNTS[1:], "positive"),
    _("SMAPE", "2*np.abs(p-y)/(np.abs(p)+np.abs(y))", COUNTS[1:], "real"),
    _("squared log error", "(np.log(1+p)-np.log(1+y))**2", COUNTS, "positive"),
    _("Dice of one pixel", "1-(2*p*y+1)/(p+y+1)", BITS, "unit"),
    _("log(1 - tanh(x)^2)", "np.log(1-np.tanh(p)**2)", (0.0,), "logit"),
]


def predictions(kind: str, labels: tuple[float, ...], dtype: type) -> np.ndarray:
    """Return predictions over the whole range, and near the labels."""
    rng = np.random.default_rng(5)
    info = np.finfo(dtype)
    if kind == "unit":
        tail = 2.0 ** -rng.uniform(1, info.nmant, 16)
        points = np.concatenate([tail, 1 - tail, rng.random(12)])
    elif kind in ("logit", "log"):
        end = 1.15 * np.log(float(info.max))
        least = -40 if kind == "logit" else -3
        sign = rng.choice([-1, 1], 48)
        points = sign * np.concatenate(
            [rng.uniform(0, end, 24), 2.0 ** rng.uniform(least, 5, 24)]
        )
    else:
        wide = 2.0 ** rng.uniform(0.9 * info.minexp, 0.9 * info.maxexp, 24)
        core = 2.0 ** rng.uniform(-25, 25, 24)
        near = rng.choice(labels, 12) * (1 + 2.0 ** -rng.uniform(2, 20, 12))
        points = np.concatenate([wide, core, near])
        if kind == "real":
            points *= rng.choice([-1, 1], points.size)
    points = points.astype(dtype)
    return points[points != 0]


EXACT = jets.Exact(750)


def worst(
    loss: Posted, dtype: type, every: int = 1
) -> list[tuple[float, float, float]]:
    """Return for value, gradient and Hessian the worst error and where it is."""
    found = [(0.0, 0.0, 0.0)] * 3
    info = np.finfo(dtype)
    tiny = float(info.smallest_normal)
    for label in loss.labels:
        p = predictions(loss.p, loss.labels, dtype)[::every]
        y = np.full_like(p, label)
        this = formulas.Formula(loss.source, loss.parameters, y, p)
        custom = fl.custom(this.function)
        outputs = (
            custom(y, p, reduction="none", **loss.parameters),
            *custom.grad_and_hess(y, p, reduction="sum", **loss.parameters),
        )
        for i, point in enumerate(p.astype(float)):
            if point == label:
                continue
            step = EXACT.number(2) ** -90
            here = this.jet(EXACT, label, point)
            near = [this.jet(EXACT, label, EXACT.number(point) * (1 + step))]
            if loss.p in ("real", "positive"):
                near.append(this.jet(EXACT, EXACT.number(label) * (1 + step), point))
            for k, name in enumerate(("v", "d", "dd")):
                exact = getattr(here, name)
                if abs(exact) > float(info.max):
                    continue
                moved = max(abs(getattr(n, name) - exact) for n in near) / step
                unit = judgement.spacing(exact, dtype) + moved * 2.0**-info.nmant
                got = float(outputs[k][i])
                if abs(exact) < tiny and abs(got) < tiny * 1.001:
                    continue
                error = float(abs(got - exact) / unit) if np.isfinite(got) else np.inf
                if not error <= found[k][0]:
                    found[k] = (error, label, point)
    return found


HEAD = """# Losses as people post them

`python tools/posted_losses.py` writes this page. Each form is traced by `fl.custom` as
it stands, run over the whole range of its predictions in both dtypes and compared with
750 digits. Numbers are the worst errors of value, gradient and Hessian in ulps; what
one ulp of `y_pred`, or of a label that is no class, moves the result by counts as one
more ulp of it: of an input that was rounded nobody knows more. Results below the
smallest normal number, 1.2e-38 and 2.2e-308, must be below it and count no further.
Predictions on a log link keep 1/8 from 0: `exp(p) - y` is a difference there.

In the forms s is `1/(1+exp(-p))`, t `where(y==1,s,1-s)`, m `(s*y+(1-s)*(1-y))`, and ce
`(maximum(p,0)-p*y+log1p(exp(-abs(p))))`: each was written out.

| loss | form | float32 | float64 |
|---|---|---|---|
"""


def head(loss: Posted) -> tuple[str, str]:
    """Return the first cells of its row: the name, and the form in few letters."""
    form = loss.source
    for long, short in ((MIXED, "m"), (PT, "t"), (LOGITS_CE, "ce"), (P, "s")):
        form = form.replace(long, short)
    form = form.replace("np.", "").replace("**", "^").replace("fl.math.", "")
    return loss.name.replace("|", r"\|"), f"`{form}`"


def main() -> None:
    """Write the page, or the rows named on the command line to the terminal."""
    lines = []
    for loss in LOSSES:
        if len(sys.argv) > 1 and not any(a in loss.name for a in sys.argv[1:]):
            continue
        cells = []
        for dtype in (np.float32, np.float64):
            errors = worst(loss, dtype)
            cells.append(", ".join(f"{e[0]:.1f}" for e in errors))
            for name, e in zip(judgement.NAMES, errors, strict=True):
                if e[0] > 8:
                    print(f"{loss.name}: {dtype.__name__} {name} {e}", file=sys.stderr)
        lines.append(f"| {' | '.join([*head(loss), *cells])} |\n")
    if len(sys.argv) > 1:
        print("".join(lines))
    else:
        (ROOT / "docs" / "posted_losses.md").write_text(HEAD + "".join(lines))


if __name__ == "__main__":
    main()
