"""Lowering: from an expression graph to a linear program over block registers.

The program is what csrc/custom/program.c interprets: instructions of one opcode, one
destination and up to four operands. An operand is a slot (an input, an output or a
scratch register, each a block of samples) or the number of a constant; which of them it
is shows in the name of the opcode, ``sub_rk`` being register minus constant. Constants
are expressions of parameters and numbers alone, evaluated when a program is bound to
parameter values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from .graph import OPERATIONS, Node, commutative, const, node, walk
from .numbers import evaluate_graph

OUTPUTS = ("value", "grad", "hess")


@dataclass(frozen=True)
class Instruction:
    """One step: an opcode, a destination slot, operand slots or constant numbers.

    ``last`` says that the target is a derivative which is not read again.
    """

    opcode: str
    target: int
    operands: tuple[int, ...]
    last: bool = False


@dataclass(frozen=True)
class Program:
    """A linear program.

    Attributes
    ----------
    inputs : tuple of str
        The arrays read, in the order of their slots.
    outputs : tuple of str
        Which of value, grad and hess it writes. Slots: inputs, then value, grad and
        hess, then the scratch registers.
    code : tuple of Instruction
        The steps of one block.
    setup : int
        The first steps, that many, fill registers with constants once for all blocks.
    constants : tuple of Node
        Uniform nodes.
    scratch : int
        Number of scratch registers.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    code: tuple[Instruction, ...]
    setup: int
    constants: tuple[Node, ...]
    scratch: int

    def numbers(self, parameters: Mapping[str, float]) -> list[float]:
        """Return the constants for these parameters."""
        known = evaluate_graph(self.constants, parameters)
        return [known[x] for x in self.constants]

    def __str__(self) -> str:
        names = [*self.inputs, *OUTPUTS, *(f"r{i}" for i in range(self.scratch))]
        lines = []
        for step in self.code:
            form = step.opcode.rpartition("_")[2]
            operands = [
                f"k{x}" if kind == "k" else names[x]
                for kind, x in zip(form, step.operands, strict=True)
            ]
            lines.append(f"{names[step.target]} = {step.opcode} {' '.join(operands)}")
        return "\n".join(lines)


# -- from stable forms to what the interpreter has -------------------------------------


def _legalised(roots: Sequence[Node]) -> list[Node]:
    """Replace operations that the interpreter builds from others."""
    known: dict[Node, Node] = {}

    def legal(x: Node) -> Node:
        for below in walk(x):
            if below in known:
                continue
            if below.uniform or not below.args:
                known[below] = below
                continue
            rule = OPERATIONS[below.op].lowered if below.op in OPERATIONS else None
            if rule is not None:
                form = rule(*below.args)
                args = [legal(a) for a in form.args]
                known[below] = node(form.op, *args, value=form.value)
            else:
                args = [known[a] for a in below.args]
                known[below] = node(below.op, *args, value=below.value)
        return known[x]

    return [legal(x) for x in roots]


# -- two operations in one pass over the block -----------------------------------------


_Joined = tuple[str, tuple[Node, ...]]  # opcode without its form, operands


def _fused(roots: Sequence[Node]) -> list[Node]:
    """Join an operation with an operand that nobody needs by itself.

    The joined instruction rounds as the two did; it saves a trip through L1. What all
    users can join is computed by each of them, as are comparisons by every ``where``.
    """
    order = [x for x in walk(*roots) if x.args and not x.uniform]
    free = set(order) - set(roots)
    while True:
        joined = {x: _joined(x, free) or (x.op, x.args) for x in order}
        needed = _needed(roots, joined)
        if not free & needed:
            break
        free -= needed
    known: dict[Node, Node] = {}
    for x in order:
        if x in needed:
            op, args = joined[x]
            known[x] = node(op, *(known.get(a, a) for a in args))
    return [known.get(x, x) for x in roots]


def _needed(roots: Sequence[Node], joined: Mapping[Node, _Joined]) -> set[Node]:
    """Return the nodes with an instruction of their own."""
    found: set[Node] = set()
    stack = list(roots)
    while stack:
        x = stack.pop()
        if x in joined and x not in found:
            found.add(x)
            stack.extend(joined[x][1])
    return found


def _joined(x: Node, free: Collection[Node]) -> _Joined | None:
    """Return an instruction for the node and one of its operands, if there is one."""
    a, b = (*x.args, x.args[0])[:2]
    if x.op == "where":
        return _joined_choice(x.args)
    if x.op == "neg":
        return _joined_factor(const(-1.0), a, free)
    if x.op == "mul" and a.uniform:
        return _joined_factor(a, b, free)
    if x.op == "mul":
        return _joined_square(a, b, free) or _joined_square(b, a, free)
    if x.op in ("add", "sub"):
        return _joined_sum(x.op, a, b, free)
    if x.op == "div" and b in free and b.op == "add":
        for k, z in (b.args, b.args[::-1]):
            if k.uniform:
                return "div_add", (a, z, k)
    if x.op in ("square", "abs") and a in free and a.op == "sub":
        return None if any(z.uniform for z in a.args) else (f"sub_{x.op}", a.args)
    return None


def _joined_choice(args: tuple[Node, ...]) -> _Joined | None:
    condition, *branches = args
    if condition.op not in ("gt", "ge", "eq"):
        return None
    first, second = condition.args
    if condition.op == "eq" and (first.uniform or second.uniform):
        return None
    return f"where_{condition.op}", (first, second, *branches)


def _joined_factor(k: Node, x: Node, free: Collection[Node]) -> _Joined | None:
    """Product of a uniform k and x."""
    if x not in free:
        return None
    if x.op in ("square", "sign"):
        return f"{x.op}_scale", (*x.args, k)
    if x.op in ("mul", "sub") and not x.args[0].uniform:
        return f"{x.op}_scale", (*x.args, k)
    return None


def _joined_square(a: Node, b: Node, free: Collection[Node]) -> _Joined | None:
    """Product of a and b, if b is a square."""
    if b in free and b.op == "square":
        return "mul_square", (a, b.args[0])
    return None


def _joined_sum(op: str, a: Node, b: Node, free: Collection[Node]) -> _Joined | None:
    if a in free and a.op == "mul" and not b.uniform:
        first, second = a.args
        factors = (second, first) if first.uniform else (first, second)
        return f"mul_{op}", (*factors, b)
    if b in free and b.op == "mul":
        first, second = b.args
        factors = (second, first) if first.uniform else (first, second)
        if op == "add" and not a.uniform:
            return "mul_add", (*factors, a)
        if op == "sub" and not (a.uniform and first.uniform):
            return "sub_mul", (a, *factors)
    return None


def legalised_and_fused(roots: Sequence[Node]) -> list[Node]:
    """Return the formulas in the interpreter's instructions."""
    return _fused(_legalised(roots))


# -- order and registers ---------------------------------------------------------------


def _schedule(roots: Sequence[Node]) -> list[Node]:
    """Order non-uniform operations so that few results wait at a time.

    Operands that need more registers come first (R. Sethi and J. D. Ullman, The
    generation of optimal code for arithmetic expressions, J. ACM 17, 1970).
    """
    need: dict[Node, int] = {}
    for x in walk(*roots):
        needs = sorted((need[a] for a in x.args), reverse=True)
        leaf = not x.args or x.uniform
        need[x] = 0 if leaf else max([1, *(n + i for i, n in enumerate(needs))])
    order: list[Node] = []
    seen: set[Node] = set()

    def visit(x: Node) -> None:
        stack = [(x, False)]
        while stack:
            current, ready = stack.pop()
            if ready:
                order.append(current)
            elif current.args and not current.uniform and current not in seen:
                seen.add(current)
                stack.append((current, True))
                stack.extend(
                    (a, False) for a in sorted(current.args, key=need.__getitem__)
                )

    for root in roots:
        visit(root)
    return order


class Assembler:
    """Emits instructions, hands out registers and numbers the constants."""

    def __init__(self, inputs: Sequence[str], opcodes: Collection[str]) -> None:
        self.opcodes = opcodes
        self.slot: dict[Node, int] = {}
        self.constants: dict[Node, int] = {}
        self.setup: list[Instruction] = []
        self.code: list[Instruction] = []
        self.free: list[int] = []
        self.first_output = len(inputs)
        self.first_scratch = self.next_slot = len(inputs) + len(OUTPUTS)
        for i, name in enumerate(inputs):
            self.slot[node("input", value=name)] = i

    def constant(self, x: Node) -> int:
        return self.constants.setdefault(x, len(self.constants))

    def register(self) -> int:
        if self.free:
            return self.free.pop()
        self.next_slot += 1
        return self.next_slot - 1

    def splat(self, x: Node) -> None:
        """Fill a register of its own with a constant, once for all blocks."""
        self.slot[x] = self.register_of_constant()
        self.setup.append(Instruction("fill_k", self.slot[x], (self.constant(x),)))

    def register_of_constant(self) -> int:
        self.next_slot += 1
        return self.next_slot - 1

    def form(self, x: Node) -> tuple[str, tuple[Node, ...]]:
        """Return opcode and operands, constants spilled to registers as needed."""
        args = x.args
        for _ in range(2):
            kinds = "".join("k" if self.immediate(a) else "r" for a in args)
            if f"{x.op}_{kinds}" in self.opcodes:
                return f"{x.op}_{kinds}", args
            if commutative(x.op):
                args = args[::-1]
        forms = [n.rpartition("_")[2] for n in self.opcodes if n.startswith(f"{x.op}_")]
        fitting = [
            f
            for f in forms
            if f"{x.op}_{f}" in self.opcodes
            and len(f) == len(args)
            and all(k == "r" or self.immediate(a) for k, a in zip(f, args, strict=True))
        ]
        best = max(fitting, key=lambda f: (f.count("k"), f))
        for kind, a in zip(best, args, strict=True):
            if kind == "r" and a.uniform and a not in self.slot:
                self.splat(a)
        return f"{x.op}_{best}", args

    def immediate(self, x: Node) -> bool:
        return x.uniform

    def emit(self, x: Node, target: int) -> None:
        opcode, args = self.form(x)
        kinds = opcode.rpartition("_")[2]
        operands = tuple(
            self.slot[a] if kind == "r" else self.constant(a)
            for kind, a in zip(kinds, args, strict=True)
        )
        self.code.append(Instruction(opcode, target, operands))
        self.slot[x] = target


def _with_last(code: Sequence[Instruction], value: int) -> list[Instruction]:
    """Mark the instructions whose result is a derivative and nobody's operand."""
    read = {
        x
        for step in code
        for kind, x in zip(step.opcode.rpartition("_")[2], step.operands, strict=True)
        if kind == "r"
    }
    derivatives = {value + 1, value + 2} - read
    return [replace(step, last=step.target in derivatives) for step in code]


def lower(
    results: Mapping[str, Node], inputs: Sequence[str], opcodes: Collection[str]
) -> Program:
    """Return the program that computes the named results.

    Parameters
    ----------
    results : mapping of str to Node
        For ``"value"``, ``"grad"`` and ``"hess"``, or some of them, the expression.
    inputs : sequence of str
        The arrays, in the order in which the engine passes them.
    opcodes : collection of str
        The interpreter's opcodes.
    """
    names = [name for name in OUTPUTS if name in results]
    roots = legalised_and_fused([results[name] for name in names])
    order = _schedule(roots)
    uses = dict.fromkeys(order, 0)
    for x in order:
        for a in set(x.args):
            if a in uses:
                uses[a] += 1
    asm = Assembler(inputs, opcodes)
    home: dict[Node, int] = {}
    for name, root in zip(names, roots, strict=True):
        home.setdefault(root, asm.first_output + OUTPUTS.index(name))
    for x in order:
        dying = []
        for a in set(x.args):
            if a in uses:
                uses[a] -= 1
                if uses[a] == 0 and asm.slot[a] >= asm.first_scratch:
                    dying.append(asm.slot[a])
        asm.free.extend(sorted(dying, reverse=True))
        asm.emit(x, home[x] if x in home else asm.register())
    for name, root in zip(names, roots, strict=True):
        target = asm.first_output + OUTPUTS.index(name)
        if root.uniform:
            code = Instruction("fill_k", target, (asm.constant(root),))
            asm.code.append(code)
        elif asm.slot[root] != target:
            asm.code.append(Instruction("copy_r", target, (asm.slot[root],)))
    return Program(
        inputs=tuple(inputs),
        outputs=tuple(names),
        code=(*asm.setup, *_with_last(asm.code, asm.first_output)),
        setup=len(asm.setup),
        constants=tuple(asm.constants),
        scratch=asm.next_slot - asm.first_scratch,
    )
