"""Formulas as text and as LaTeX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from .graph import Node
from .simplify import square, value_of


class Formula(str):
    """A formula as text; `latex` holds it for typesetting, notebooks show that."""

    __slots__ = ("latex",)
    latex: str

    def __new__(cls, x: Node) -> Self:
        self = super().__new__(cls, _Text().render(x)[0])
        self.latex = _Latex().render(x)[0]
        return self

    def __getnewargs__(self) -> Any:
        raise TypeError("a formula is not pickled; pickle the loss")

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"


# Binding strength: or < and < comparison < sum < product < sign < power < atom.
_OR, _AND, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(8)
_Piece = tuple[str, int]


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


class _Text:
    """NumPy-like text. The LaTeX form overrides what differs."""

    infix: ClassVar[dict[str, tuple[str, int]]] = {
        "add": (" + ", _SUM),
        "sub": (" - ", _SUM),
        "mul": ("*", _PRODUCT),
        "div": ("/", _PRODUCT),
        "gt": (" > ", _COMPARE),
        "ge": (" >= ", _COMPARE),
        "eq": (" == ", _COMPARE),
        "ne": (" != ", _COMPARE),
        "and": (" & ", _AND),
        "or": (" | ", _OR),
    }
    names: ClassVar[dict[str, str]] = {}
    at_most = " <= "

    def render(self, x: Node) -> _Piece:
        value = value_of(x)
        if value is not None:
            return self.number(value)
        if not x.args:
            return self.name(str(x.value)), _ATOM
        special: Callable[..., _Piece] | None = getattr(self, f"on_{x.op}", None)
        if special is not None:
            return special(*x.args)
        if x.op in self.infix:
            return self.binary(x.op, *x.args)
        return self.call(self.names.get(x.op, x.op), *x.args), _ATOM

    def number(self, value: float) -> _Piece:
        return _number(value), _SIGN if value < 0 else _ATOM

    def name(self, name: str) -> str:
        return name

    def call(self, name: str, *args: Node) -> str:
        return f"{name}({', '.join(self.render(a)[0] for a in args)})"

    def inside(self, x: Node, least: int) -> str:
        text, strength = self.render(x)
        return text if strength >= least else self.parenthesised(text)

    def parenthesised(self, text: str) -> str:
        return f"({text})"

    def binary(self, op: str, a: Node, b: Node) -> _Piece:
        if op in ("gt", "ge") and a.uniform:
            sign = " < " if op == "gt" else self.at_most
            return f"{self.inside(b, _SUM)}{sign}{self.inside(a, _SUM)}", _COMPARE
        sign, strength = self.infix[op]
        if strength == _COMPARE:
            return f"{self.inside(a, _SUM)}{sign}{self.inside(b, _SUM)}", strength
        if strength < _COMPARE:
            return f"{self.clause(a)}{sign}{self.clause(b)}", strength
        associative = op in ("add", "mul")
        right = self.inside(b, strength if associative else strength + 1)
        return f"{self.inside(a, strength)}{sign}{right}", strength

    def clause(self, x: Node) -> str:
        """Return an operand of & or |, which in Python bind before comparisons."""
        return self.inside(x, _ATOM)

    def on_neg(self, a: Node) -> _Piece:
        return f"-{self.inside(a, _PRODUCT)}", _SIGN - 2

    def on_not(self, a: Node) -> _Piece:
        return f"~{self.inside(a, _ATOM)}", _SIGN

    def on_square(self, a: Node) -> _Piece:
        return f"{self.inside(a, _ATOM)}**2", _POWER

    def on_power(self, a: Node, b: Node) -> _Piece:
        return f"{self.inside(a, _ATOM)}**{self.inside(b, _POWER)}", _POWER

    def on_power_slope(self, a: Node, b: Node) -> _Piece:
        power = f"{self.inside(a, _ATOM)}**({self.inside(b, _SUM)} - 1)"
        return f"{self.inside(b, _PRODUCT)}*{power}", _PRODUCT

    def on_power_curve(self, a: Node, b: Node) -> _Piece:
        power = f"{self.inside(a, _ATOM)}**({self.inside(b, _SUM)} - 2)"
        factor = f"{self.inside(b, _PRODUCT)}*({self.inside(b, _SUM)} - 1)"
        return f"{factor}*{power}", _PRODUCT

    def on_nan_if(self, a: Node, b: Node) -> _Piece:
        return self.render(a)

    def on_root(self, c: Node, a: Node) -> _Piece:
        return f"sqrt({self.radicand(c, a)})", _ATOM

    def on_root_minus(self, k: Node, a: Node) -> _Piece:
        root = f"sqrt({self.radicand(square(k), a)})"
        return f"{root} - {self.inside(k, _PRODUCT)}", _SUM

    def on_root_slope(self, c: Node, a: Node) -> _Piece:
        return f"{self.inside(a, _PRODUCT)}/sqrt({self.radicand(c, a)})", _PRODUCT

    def on_root_curve(self, c: Node, a: Node) -> _Piece:
        root = f"sqrt({self.radicand(c, a)})"
        return f"{self.inside(c, _PRODUCT)}/{root}**3", _PRODUCT

    def radicand(self, c: Node, a: Node) -> str:
        return f"{self.inside(c, _SUM)} + {self.on_square(a)[0]}"

    def on_sqrt1pm1(self, a: Node) -> _Piece:
        return f"sqrt(1 + {self.inside(a, _SUM)}) - 1", _SUM

    def on_log1mexp(self, a: Node) -> _Piece:
        return f"log(1 - exp({self.render(a)[0]}))", _ATOM

    def on_gauss(self, c: Node, a: Node) -> _Piece:
        return f"exp({self.inside(c, _PRODUCT)}*{self.inside(a, _ATOM)}**2)", _ATOM

    def on_sigmoid_slope(self, a: Node) -> _Piece:
        inner = self.render(a)[0]
        return f"sigmoid({inner})*(1 - sigmoid({inner}))", _PRODUCT

    def on_logistic(self, a: Node, b: Node, x: Node) -> _Piece:
        inner, factor = self.render(x)[0], self.inside(a, _PRODUCT)
        other, minus = self.inside(b, _PRODUCT), self.inside(x, _PRODUCT)
        return f"{factor}*softplus({inner}) + {other}*softplus(-{minus})", _SUM

    def on_logistic_slope(self, a: Node, b: Node, x: Node) -> _Piece:
        if a.op == "sub" and a.args[1] is b and value_of(a.args[0]) == 1.0:
            return f"sigmoid({self.render(x)[0]}) - {self.inside(b, _PRODUCT)}", _SUM
        inner, factor = self.render(x)[0], self.inside(a, _PRODUCT)
        other, minus = self.inside(b, _PRODUCT), self.inside(x, _PRODUCT)
        return f"{factor}*sigmoid({inner}) - {other}*sigmoid(-{minus})", _SUM


class _Latex(_Text):
    infix: ClassVar[dict[str, tuple[str, int]]] = {
        **_Text.infix,
        "mul": (r" \, ", _PRODUCT),
        "ge": (r" \ge ", _COMPARE),
        "eq": (" = ", _COMPARE),
        "ne": (r" \ne ", _COMPARE),
        "and": (r" \land ", _AND),
        "or": (r" \lor ", _OR),
    }
    names: ClassVar[dict[str, str]] = {
        "exp": r"\exp",
        "log": r"\log",
        "sin": r"\sin",
        "cos": r"\cos",
        "tanh": r"\tanh",
        "arctan": r"\arctan",
        "sinh": r"\sinh",
        "cosh": r"\cosh",
        "minimum": r"\min",
        "maximum": r"\max",
        "sigmoid": r"\sigma",
        "log2": r"\log_2",
        "log10": r"\log_{10}",
    }
    at_most = r" \le "
    greek = frozenset(
        (
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "pi",
            "rho",
            "sigma",
            "tau",
            "phi",
            "chi",
            "psi",
            "omega",
        )
    )

    def number(self, value: float) -> _Piece:
        mantissa, _, exponent = _number(value).partition("e")
        if exponent:
            return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", _PRODUCT
        return mantissa, _SIGN if value < 0 else _ATOM

    def name(self, name: str) -> str:
        if name == "y_true":
            return "y"
        if name == "y_pred":
            return r"\hat{y}"
        if name in self.greek:
            return f"\\{name}"
        if len(name) == 1:
            return name
        escaped = name.replace("_", r"\_")
        return rf"\mathrm{{{escaped}}}"

    def call(self, name: str, *args: Node) -> str:
        if not name.startswith("\\"):
            escaped = name.replace("_", r"\_")
            name = rf"\operatorname{{{escaped}}}"
        return name + self.parenthesised(", ".join(self.render(a)[0] for a in args))

    def parenthesised(self, text: str) -> str:
        return rf"\left({text}\right)"

    def clause(self, x: Node) -> str:
        return self.inside(x, _COMPARE)

    def on_div(self, a: Node, b: Node) -> _Piece:
        return rf"\frac{{{self.render(a)[0]}}}{{{self.render(b)[0]}}}", _POWER

    def on_not(self, a: Node) -> _Piece:
        return rf"\lnot {self.inside(a, _ATOM)}", _SIGN

    def on_square(self, a: Node) -> _Piece:
        return f"{self.inside(a, _ATOM)}^{{2}}", _POWER

    def on_power(self, a: Node, b: Node) -> _Piece:
        return f"{self.inside(a, _ATOM)}^{{{self.render(b)[0]}}}", _POWER

    def on_power_slope(self, a: Node, b: Node) -> _Piece:
        exponent = f"{self.inside(b, _SUM)} - 1"
        power = f"{self.inside(a, _ATOM)}^{{{exponent}}}"
        return rf"{self.inside(b, _PRODUCT)} \, {power}", _PRODUCT

    def on_power_curve(self, a: Node, b: Node) -> _Piece:
        exponent = self.inside(b, _SUM)
        factor = rf"{self.inside(b, _PRODUCT)} \left({exponent} - 1\right)"
        power = f"{self.inside(a, _ATOM)}^{{{exponent} - 2}}"
        return rf"{factor} \, {power}", _PRODUCT

    def on_abs(self, a: Node) -> _Piece:
        return rf"\left|{self.render(a)[0]}\right|", _ATOM

    def on_sqrt(self, a: Node) -> _Piece:
        return rf"\sqrt{{{self.render(a)[0]}}}", _ATOM

    def on_cbrt(self, a: Node) -> _Piece:
        return rf"\sqrt[3]{{{self.render(a)[0]}}}", _ATOM

    def on_root(self, c: Node, a: Node) -> _Piece:
        return rf"\sqrt{{{self.radicand(c, a)}}}", _ATOM

    def on_root_minus(self, k: Node, a: Node) -> _Piece:
        root = rf"\sqrt{{{self.radicand(square(k), a)}}}"
        return f"{root} - {self.inside(k, _PRODUCT)}", _SUM

    def on_root_slope(self, c: Node, a: Node) -> _Piece:
        root = rf"\sqrt{{{self.radicand(c, a)}}}"
        return rf"\frac{{{self.render(a)[0]}}}{{{root}}}", _POWER

    def on_root_curve(self, c: Node, a: Node) -> _Piece:
        power = f"{self.parenthesised(self.radicand(c, a))}^{{3/2}}"
        return rf"\frac{{{self.render(c)[0]}}}{{{power}}}", _POWER

    def on_sqrt1pm1(self, a: Node) -> _Piece:
        return rf"\sqrt{{1 + {self.inside(a, _SUM)}}} - 1", _SUM

    def on_log1mexp(self, a: Node) -> _Piece:
        return rf"\log\left(1 - e^{{{self.render(a)[0]}}}\right)", _ATOM

    def on_gauss(self, c: Node, a: Node) -> _Piece:
        exponent = rf"{self.inside(c, _PRODUCT)} \, {self.inside(a, _ATOM)}^{{2}}"
        return f"e^{{{exponent}}}", _POWER

    def on_sigmoid_slope(self, a: Node) -> _Piece:
        inner = self.parenthesised(self.render(a)[0])
        rest = self.parenthesised(rf"1 - \sigma{inner}")
        return rf"\sigma{inner} \, {rest}", _PRODUCT

    def on_logistic(self, a: Node, b: Node, x: Node) -> _Piece:
        text = super().on_logistic(a, b, x)[0]
        return self._typeset(text, "softplus"), _SUM

    def on_logistic_slope(self, a: Node, b: Node, x: Node) -> _Piece:
        text = super().on_logistic_slope(a, b, x)[0]
        return self._typeset(text, "sigmoid"), _SUM

    def _typeset(self, text: str, function: str) -> str:
        symbol = r"\sigma" if function == "sigmoid" else r"\operatorname{softplus}"
        return text.replace(f"{function}(", f"{symbol}(").replace("*", r" \, ")

    def on_where(self, c: Node, a: Node, b: Node) -> _Piece:
        rows = (
            rf"{self.render(a)[0]} & \text{{if }} {self.render(c)[0]} \\ "
            rf"{self.render(b)[0]} & \text{{otherwise}}"
        )
        return rf"\begin{{cases}}{rows}\end{{cases}}", _SUM
