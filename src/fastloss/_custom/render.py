"""Formulas as text and as LaTeX."""

from __future__ import annotations

from fastloss._formula import Formula, latex_name

from .graph import OPERATIONS, Node
from .simplify import value_of


def formula(x: Node) -> Formula:
    """The formula of an expression."""
    return Formula(_Text().render(x)[0], _Latex().render(x)[0])


# From what binds least to what binds most.
_STRENGTHS = ("or", "and", "compare", "sum", "product", "sign", "power", "atom")
_Piece = tuple[str, str]


class _Operand:
    """An operand in a template: ``{0:sum}`` has parentheses if it binds less."""

    def __init__(self, renderer: _Text, x: Node) -> None:
        self.renderer = renderer
        self.node = x

    def __format__(self, least: str) -> str:
        text, strength = self.renderer.render(self.node)
        if least and _STRENGTHS.index(strength) < _STRENGTHS.index(least):
            return self.renderer.parenthesised(text)
        return text


class _Text:
    """NumPy-like text. The LaTeX form overrides what differs."""

    def render(self, x: Node) -> _Piece:
        """Return the formula and how it binds."""
        value = value_of(x)
        if value is not None:
            return self.number(value)
        if not x.args:
            return self.name(str(x.value)), "atom"
        read_as = OPERATIONS[x.op].read_as
        instead = None if read_as is None else read_as(*x.args)
        if instead is not None:
            return self.render(instead)
        template, strength = self.template(x.op) or (self.call(x), "atom")
        return template.format(*(_Operand(self, a) for a in x.args)), strength

    def template(self, op: str) -> _Piece | None:
        return OPERATIONS[op].text

    def call(self, x: Node) -> str:
        """Return the template of a function."""
        operands = ", ".join(f"{{{i}}}" for i in range(len(x.args)))
        return self.function(x.op) + self.parenthesised(operands)

    def function(self, name: str) -> str:
        return name

    def number(self, value: float) -> _Piece:
        whole = value.is_integer() and abs(value) < 1e15
        text = str(int(value)) if whole else repr(value)
        return text, "sign" if value < 0 else "atom"

    def name(self, name: str) -> str:
        return name

    def parenthesised(self, text: str) -> str:
        return f"({text})"


class _Latex(_Text):
    def template(self, op: str) -> _Piece | None:
        return OPERATIONS[op].latex or OPERATIONS[op].text

    def function(self, name: str) -> str:
        escaped = name.replace("_", r"\_")
        return rf"\operatorname{{{{{escaped}}}}}"

    def number(self, value: float) -> _Piece:
        text, strength = super().number(value)
        mantissa, _, exponent = text.partition("e")
        if exponent:
            return rf"{mantissa} \cdot 10^{{{int(exponent)}}}", "product"
        return text, strength

    def name(self, name: str) -> str:
        return latex_name(name)

    def parenthesised(self, text: str) -> str:
        return rf"\left({text}\right)"
