r"""Formulas as text and as LaTeX, from the docstrings of losses.

The first literal block of a docstring is the formula, a line each: what is wanted, then
what it is made of::

    l = -sum_c q_c log p_c
    p = softmax(y_pred) if from_logits else y_pred

``if`` asks a parameter of the loss, or compares it, ``if pairs == mean``. Lines that
nothing refers to are left out. The notation is AsciiMath's: a subscript or a power
takes what is next to it or in parentheses, ``/`` makes a fraction of its two
neighbours, and ``|x|`` is an absolute value.

>>> latex("l = 1/2 sum_(j != i) |x_j - gamma|^2")
'l = \\frac{1}{2} \\, \\sum_{j \\neq i} \\left|x_{j} - \\gamma\\right|^{2}'
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from fastloss.core.loss import Loss

__all__ = ["Formula", "latex", "latex_name", "of_docstring"]


class Formula(str):
    """A formula as text; `latex` holds it for typesetting, notebooks show that."""

    __slots__ = ("latex",)
    latex: str

    def __new__(cls, text: str, latex: str) -> Self:
        self = super().__new__(cls, text)
        self.latex = latex
        return self

    def __getnewargs__(self) -> Any:
        raise TypeError("a formula is not pickled; pickle the loss")

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"


_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma "
    "tau phi chi psi omega Phi Sigma Gamma Delta".split()
)


def latex_name(name: str) -> str:
    """A variable or a parameter in LaTeX."""
    if name == "y_true":
        return "y"
    if name == "y_pred":
        return r"\hat{y}"
    if name.startswith("y_pred["):
        return rf"\hat{{y}}_{{{name[7:-1]}}}"
    if name in _GREEK:
        return f"\\{name}"
    if len(name) == 1:
        return name
    escaped = name.replace("_", r"\_")
    return rf"\mathrm{{{escaped}}}"


def of_docstring(loss: Loss) -> Formula:
    """The formula of a loss with its parameters, as its docstring has it."""
    block = re.search(r"::\n\n((?: {4}.*\n)+)", inspect.getdoc(type(loss)) or "")
    if block is None:
        raise AttributeError(
            f"{type(loss).__name__} has no formula: docstrings are left out "
            "(python -OO)"
        )
    lines = _without_aliases(
        [_chosen(line.strip(), loss) for line in block[1].splitlines()]
    )
    names = frozenset(loss.__dataclass_fields__)
    kept = _referred_to(lines, names)
    typeset = [latex(line, names) for line in kept]
    return Formula(
        "\n".join(kept),
        r",\quad ".join(line for line in typeset if line != "y = y"),
    )


def _chosen(line: str, loss: Loss) -> tuple[str, str]:
    """Left and right side, the branch of it that the parameters ask for."""
    left, _, right = line.partition(" = ")
    while " if " in right:
        this, _, rest = right.partition(" if ")
        condition, _, other = rest.partition(" else ")
        name, _, wanted = condition.partition(" == ")
        given = getattr(loss, name)
        right = this if (str(given) == wanted if wanted else given) else other
    return left, right


def _without_aliases(lines: list[tuple[str, str]]) -> list[str]:
    """Lines in which no right side is the left side of another one alone."""
    sides = dict(lines)
    found = []
    for left, right in lines:
        while right in sides:
            right = sides[right]
        found.append(f"{left} = {right}")
    return found


def _referred_to(lines: list[str], names: frozenset[str]) -> list[str]:
    """The first line, and those of whose left side others make use."""
    symbols = [_symbols(line.partition(" = ")[0], names)[:1] for line in lines]
    kept = [line for line in lines if line.startswith(("l = ", "l_"))]
    for line in kept:  # which grows
        used = _symbols(line.partition(" = ")[2], names)
        kept += [
            other
            for other, symbol in zip(lines, symbols, strict=True)
            if other not in kept and symbol[0] in used
        ]
    return [line for line in lines if line in kept]


def _symbols(text: str, names: frozenset[str]) -> list[str]:
    """Of "q_c log p" these: q, log, p, c."""
    found = [_parted(word, names) for word in re.findall(r"[A-Za-z]\w*'?", text)]
    return [name for name, _ in found] + [s for _, s in found if len(s) == 1]


#: With labels and predictions, what has an underscore and no subscript.
_WHOLE = frozenset({"y_true", "y_pred", "total_count", "one_hot"})
_FUNCTIONS = frozenset("log exp max min sqrt tanh".split())
_WORDS = frozenset("clip sigmoid softmax softplus lgamma atan norm one_hot in".split())
_RELATIONS = {
    "=": "=",
    "<": "<",
    "<=": r"\leq",
    ">": ">",
    ">=": r"\geq",
    "!=": r"\neq",
    "in": r"\in",
    ",": ",",
}
_CALL = re.compile(r"([A-Za-z'])\(")  # parentheses of arguments
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|[A-Za-z]\w*'?|[<>!]=|\S)")


def _parted(word: str, names: frozenset[str]) -> tuple[str, str]:
    """A name and its subscript."""
    if word in names or word in _WHOLE:
        return word, ""
    name, _, subscript = word.partition("_")
    return name, subscript


def latex(text: str, names: frozenset[str] = frozenset()) -> str:
    """AsciiMath as LaTeX; `names` may have underscores."""
    return _Reader(text, names).whole()


class _Reader:
    """Recursive descent over the tokens of a formula."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.text = text
        self.names = names
        self.tokens = _TOKEN.findall(_CALL.sub(r"\1@(", text))[::-1]

    def next(self) -> str:
        return self.tokens[-1] if self.tokens else ""

    def take(self, expected: str = "") -> str:
        if not self.tokens or expected not in ("", self.next()):
            raise ValueError(f"{self.text!r}: {self.next()!r} is not {expected!r}")
        return str(self.tokens.pop())

    def whole(self) -> str:
        found = self.relations()
        if self.tokens:
            raise ValueError(f"{self.text!r}: {self.next()!r} is left over")
        return found

    def relations(self) -> str:
        """Sums with relations and commas between them."""
        parts = [self.sum()]
        while self.next() in _RELATIONS:
            relation = self.take()
            parts.append(_RELATIONS[relation])
            parts.append(self.sum())
        return " ".join(parts).replace(" ,", ",")

    def sum(self) -> str:
        parts = [self.take() + self.product()] if self.next() == "-" else []
        parts = parts or [self.product()]
        while self.next() in ("+", "-"):
            parts += [self.take(), self.product()]
        return " ".join(parts)

    def product(self) -> str:
        factors = [self.factor()]
        while self.next() == "/" or self.starts_a_factor():
            if self.next() == "/":
                self.take()
                above, below = factors.pop(), self.factor()
                factors.append(rf"\frac{{{_bare(above)}}}{{{_bare(below)}}}")
            elif self.next() == ".":
                self.take()
                factors.append(rf"{factors.pop()} \cdot {self.factor()}")
            else:
                factors.append(self.factor())
        return r" \, ".join(factors)

    def starts_a_factor(self) -> bool:
        token = self.next()
        return token in ("(", ".") or (token[:1].isalnum() and token not in _RELATIONS)

    def factor(self) -> str:
        """A number, a name, what is in parentheses, or a function of one of these."""
        token = self.take()
        if token == "(":
            found = self.enclosed(")", r"\left(", r"\right)")
        elif token == "|":
            found = self.enclosed("|", r"\left|", r"\right|")
        elif token[0].isdigit():
            found = token
        elif token[0].isalpha():
            return self.named(token)
        else:
            raise ValueError(f"{self.text!r}: {token!r} begins nothing")
        return self.powers(found)

    def enclosed(self, end: str, left: str, right: str) -> str:
        inner = self.relations()
        self.take(end)
        return f"{left}{inner}{right}"

    def powers(self, found: str) -> str:
        if self.next() == "^":
            self.take()
            found += f"^{{{_bare(self.factor())}}}"
        return found

    def named(self, token: str) -> str:
        token, primes = token.rstrip("'"), token.count("'") * "'"
        name, subscript = _parted(token, self.names)
        if subscript == "" and token.endswith("_"):  # of parentheses that follow
            self.take("(")
            below = "{" + _bare(self.enclosed(")", r"\left(", r"\right)")) + "}"
        else:
            below = f"{{{self.subscript(subscript)}}}" if subscript else ""
        if name in self.names:
            return self.powers(latex_name(name))
        if name == "sum":
            return (rf"\sum_{below}" if below else r"\sum") + f" {self.product()}"
        if name == "sqrt":
            return self.powers(rf"\sqrt{{{self.inside()}}}")
        if name == "norm":
            found = rf"\left\|{self.inside()}\right\|"
            return self.powers(f"{found}_{below}" if below else found)
        if name in _FUNCTIONS or name in _WORDS:
            known = name in _FUNCTIONS
            escaped = name.replace("_", r"\_")
            shown = f"\\{name}" if known else rf"\operatorname{{{escaped}}}"
            shown = f"{shown}_{below}" if below else shown
            return f"{shown} {self.argument()}"
        shown = latex_name(name) + primes
        shown = f"{shown}_{below}" if below else shown
        return shown + self.argument() if self.next() == "@" else self.powers(shown)

    def inside(self) -> str:
        self.take("@")
        self.take("(")
        return self.enclosed(")", "", "")

    def argument(self) -> str:
        if self.next() == "@":
            self.take()
        return self.factor()

    def subscript(self, text: str) -> str:
        """Letters side by side, or a word."""
        return text if len(text) <= 2 or text.isdigit() else latex_name(text)


def _bare(operand: str) -> str:
    """Without parentheses that enclose all of it."""
    inner = operand.removeprefix(r"\left(").removesuffix(r"\right)")
    if len(inner) != len(operand) - len(r"\left(\right)"):
        return operand
    depth = 0
    for part in re.findall(r"\\left\(|\\right\)", inner):
        depth += 1 if part == r"\left(" else -1
        if depth < 0:
            return operand
    return inner
