"""Formulas as text and as LaTeX."""

from __future__ import annotations

from collections import Counter

from fastloss._formula import Formula, latex_name

from .building import value_of
from .graph import OPERATIONS, Node

_LONG = 300  # characters of LaTeX; parts of what is longer get names
_PART = 24  # characters of a part that occurs again and is worth a name
_CASES = 120  # and of a distinction of cases that does not


def formula(*expressions: Node) -> Formula:
    """The formula of an expression, or of several, a line each.

    Text has all of them in full. Long LaTeX has lines for parts, ``t_1`` and so on.
    """
    lines = [_Latex().render(x)[0] for x in expressions]
    if max(map(len, lines)) > _LONG:
        lines = _LatexOfParts(*expressions).lines()
    text = "\n".join(_Text().render(x)[0] for x in expressions)
    return Formula(text, r",\quad ".join(lines))


def _shown(x: Node) -> Node:
    """What is shown in place of a node."""
    while x.args and value_of(x) is None:
        read_as = OPERATIONS[x.op].read_as
        instead = None if read_as is None else read_as(*x.args)
        if instead is None:
            break
        x = instead
    return x


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
        x = _shown(x)
        value = value_of(x)
        if value is not None:
            return self.number(value)
        if not x.args:
            return self.name(str(x.value)), "atom"
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


class _LatexOfParts(_Latex):
    """Formulas, then the parts of them that have a name."""

    def __init__(self, *expressions: Node) -> None:
        self.wholes = [_shown(x) for x in expressions]
        self.uses: Counter[Node] = Counter()
        self.plain = _Latex()
        self.names: dict[Node, str] = {}
        self.count([*dict.fromkeys(self.wholes)])

    def count(self, waiting: list[Node]) -> None:
        """Count the nodes that use each node."""
        seen = set(waiting)
        while waiting:
            operands = {_shown(operand) for operand in waiting.pop().args}
            self.uses.update(operands)
            waiting += operands - seen
            seen |= operands

    def lines(self) -> list[str]:
        """The formulas, and the parts in the order in which they are needed."""
        found = [super(_LatexOfParts, self).render(x)[0] for x in self.wholes]
        written: dict[Node, str] = {}
        while len(written) < len(self.names):
            part = next(part for part in self.names if part not in written)
            written[part] = super().render(part)[0]
        return found + [f"{self.names[part]} = {written[part]}" for part in written]

    def render(self, x: Node) -> _Piece:
        x = _shown(x)
        if x not in self.names and not self.deserves_a_name(x):
            return super().render(x)
        return self.names.setdefault(x, f"t_{{{len(self.names) + 1}}}"), "atom"

    def deserves_a_name(self, x: Node) -> bool:
        """Whether a part is long for what it is."""
        if x in self.wholes or x.boolean or not x.args or value_of(x) is not None:
            return False
        length = len(self.plain.render(x)[0])
        again = self.uses[x] > 1 and length >= _PART
        return again or (x.op == "where" and length >= _CASES)
