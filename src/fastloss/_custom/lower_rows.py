"""Lowering of formulas of rows: to stages of steps on entries and numbers of the row.

A stage is a look at all entries of a row. A number of the row is known a stage after
the entries that it is made of; entries are computed in the first stage that reads
them, and kept if a later one does, too. csrc/custom/rows.h runs the stages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from .graph import Node, walk
from .lower import OUTPUTS, Assembler, Instruction, Program, legalised_and_fused
from .rows import INDEX, pick, slope_elsewhere

ARRAYS = ("y_true", "y_pred")
_REDUCTIONS = frozenset({"row_sum", "row_max", "row_rest"})
_LOOKS = frozenset({"pick", "label", "look_up"})
_Stage = tuple[int, int, int]


@dataclass(frozen=True)
class RowProgram(Program):
    """A program of rows.

    Attributes
    ----------
    stages : tuple of (int, int, int)
        For each look at the entries where its steps on numbers of the row, those on
        entries and those that reduce entries end.
    kept : int
        The first scratch registers, that many, hold all entries.
    at_label : tuple of (int, int)
        Registers with gradient and Hessian of the entry at the label, or 0.
    index : int
        Register with the number of each entry in its row, or 0.
    classes : bool
        Whether labels are classes.
    tables : tuple of str
        Parameters that are looked up, in the order of their numbers.
    """

    stages: tuple[_Stage, ...] = ()
    kept: int = 0
    at_label: tuple[int, int] = (0, 0)
    index: int = 0
    classes: bool = False
    tables: tuple[str, ...] = ()

    @property
    def reductions(self) -> int:
        """The most that a stage makes."""
        return max(end - begin for _, begin, end in self.stages)


def lower_rows(
    results: Mapping[str, Node], opcodes: Collection[str], *, classes: bool
) -> RowProgram:
    """Return the program that computes the named results of a row.

    Parameters
    ----------
    results : mapping of str to Node
        For ``"value"``, ``"grad"`` and ``"hess"``, or some of them, the formula.
    opcodes : collection of str
        The interpreter's opcodes.
    classes : bool
        Whether labels are classes.
    """
    names = [name for name in OUTPUTS if name in results]
    formulas = [slope_elsewhere(results[name]) for name in names]
    special = {
        name: pick(results[name])
        for name, formula in zip(names, formulas, strict=True)
        if formula is not results[name]
    }
    roots = legalised_and_fused([*formulas, *special.values()])
    entries = dict(zip(names, roots, strict=False))
    return _Builder(
        entries,
        dict(zip(special, roots[len(names) :], strict=True)),
        opcodes,
        classes=classes,
    ).program()


class _Assembler(Assembler):
    """Constants that instructions want in registers are numbers of rows."""

    splats = 0

    def register_of_constant(self) -> int:
        self.splats += 1
        return _provisional("splat", self.splats - 1)


class _Builder:
    """Puts nodes into stages and registers."""

    def __init__(
        self,
        results: Mapping[str, Node],
        at_label: Mapping[str, Node],
        opcodes: Collection[str],
        *,
        classes: bool,
    ) -> None:
        self.results = results
        self.at_label = at_label
        self.classes = classes
        self.asm = _Assembler(ARRAYS, opcodes)
        roots = [*results.values(), *at_label.values()]
        below = [x for x in walk(*roots) if x.args and not x.uniform]
        self.order = [x for x in below if x is not INDEX]
        self.numbered = INDEX in below
        self.known = _known(self.order)
        self.last = max(self.known.values(), default=0)
        self.when = self._when()

    def _when(self) -> dict[Node, int]:
        """In which stage each node is computed: entries in the first that asks."""
        when: dict[Node, int] = {}
        asked: dict[Node, int] = {}
        final = {x for name, x in self.results.items() if name != "value"}
        for x in reversed(self.order):
            earliest = self.known[x]
            if x.op in _REDUCTIONS:
                when[x] = earliest - 1
            elif not x.of_entries:
                when[x] = earliest
            else:
                stages = [asked[x]] if x in asked else []
                when[x] = min([*stages, *([self.last] if x in final else [])])
            for a in x.args:
                asked[a] = min(asked.get(a, when[x]), when[x])
        return when

    def program(self) -> RowProgram:
        asm, first = self.asm, len(ARRAYS)
        readers: dict[Node, int] = {}
        for x in self.order:
            for a in x.args:
                readers[a] = max(readers.get(a, 0), self.when[x])
        roots = {*self.results.values(), *self.at_label.values()}
        uses = Counter(a for x in self.order for a in set(x.args))
        home: dict[Node, int] = {}
        for name, x in self.results.items():
            if not x.uniform and x.args and x.of_entries == (name != "value"):
                home.setdefault(x, first + OUTPUTS.index(name))
        steps: dict[tuple[int, int], list[Instruction]] = {}
        registers = _Registers(first + len(OUTPUTS))
        if self.numbered:
            asm.slot[INDEX] = registers.kept()
        tables: list[str] = []
        for stage in range(self.last + 1):
            now = [x for x in self.order if self.when[x] == stage]
            for x in sorted(now, key=_part):
                part = _part(x)
                if x in home:
                    target = home[x]
                elif not x.of_entries:
                    target = registers.of_row()
                elif readers[x] > stage:
                    target = registers.kept()
                else:
                    target = registers.piece()
                asm.code = steps.setdefault((stage, part), [])
                if x.op == "look_up":
                    tables.append(str(x.args[0].value))
                    asm.code.append(
                        Instruction("look_up_kk", target, (len(tables) - 1, 0))
                    )
                    asm.slot[x] = target
                else:
                    asm.emit(x, target)
                for a in set(x.args):
                    uses[a] -= 1
                    if uses[a] == 0 and a not in roots:
                        registers.free(asm.slot.get(a, 0))
        return self._assembled(steps, registers, tables, home)

    def _assembled(
        self,
        steps: dict[tuple[int, int], list[Instruction]],
        registers: _Registers,
        tables: list[str],
        home: Mapping[Node, int],
    ) -> RowProgram:
        asm, first = self.asm, len(ARRAYS)
        special = [0, 0]
        for name, x in self.results.items():
            slot = first + OUTPUTS.index(name)
            if home.get(x) != slot:
                part = 0 if name == "value" else 1
                self._copy(steps.setdefault((self.last, part), []), x, slot)
        for name, x in self.at_label.items():
            slot = asm.slot.get(x, 0)
            if x.uniform:
                slot = registers.of_row()
                self._copy(steps.setdefault((self.last, 0), []), x, slot)
            special[OUTPUTS.index(name) - 1] = slot
        numbers = registers.numbers(asm.splats)
        setup = [replace(s, target=numbers[s.target]) for s in asm.setup]
        code, stages = list(setup), []
        for stage in range(self.last + 1):
            ends = []
            for part in range(3):
                code += steps.get((stage, part), [])
                ends.append(len(code))
            stages.append((ends[0], ends[1], ends[2]))
        code[len(setup) :] = [_renumbered(step, numbers) for step in code[len(setup) :]]
        return RowProgram(
            inputs=ARRAYS,
            outputs=tuple(self.results),
            code=tuple(_marked(code, stages)),
            setup=len(setup),
            constants=tuple(asm.constants),
            scratch=len(numbers) - first - len(OUTPUTS),
            stages=tuple(stages),
            kept=registers.count["kept"],
            at_label=(numbers.get(special[0], 0), numbers.get(special[1], 0)),
            index=numbers[asm.slot[INDEX]] if self.numbered else 0,
            classes=self.classes,
            tables=tuple(tables),
        )

    def _copy(self, code: list[Instruction], x: Node, slot: int) -> None:
        if x.uniform:
            code.append(Instruction("fill_k", slot, (self.asm.constant(x),)))
        else:
            code.append(Instruction("copy_r", slot, (self.asm.slot[x],)))


class _Registers:
    """Hands out registers, numbered when it is known how many each kind has."""

    _KINDS = ("kept", "piece", "row")

    def __init__(self, first: int) -> None:
        self.first = first
        self.count = dict.fromkeys(self._KINDS, 0)
        self.freed: dict[str, list[int]] = {"piece": [], "row": []}

    def kept(self) -> int:
        return self._next("kept")

    def of_row(self) -> int:
        return self.freed["row"].pop() if self.freed["row"] else self._next("row")

    def piece(self) -> int:
        return self.freed["piece"].pop() if self.freed["piece"] else self._next("piece")

    def free(self, register: int) -> None:
        """Take back what nobody reads again."""
        kind = _kind(register)
        if kind in self.freed:
            self.freed[kind].append(register)

    def _next(self, kind: str) -> int:
        self.count[kind] += 1
        return _provisional(kind, self.count[kind] - 1)

    def numbers(self, splats: int) -> dict[int, int]:
        """Return the slot of each register handed out; constants have some of rows."""
        found = {i: i for i in range(self.first)}
        for kind in self._KINDS:
            for i in range(self.count[kind]):
                found[_provisional(kind, i)] = len(found)
        for i in range(splats):
            found[_provisional("splat", i)] = len(found)
        return found


_NUMBERED = ("", "kept", "piece", "row", "splat")
_APART = 100_000


def _provisional(kind: str, i: int) -> int:
    return _NUMBERED.index(kind) * _APART + i


def _kind(register: int) -> str:
    return _NUMBERED[register // _APART]


def _part(x: Node) -> int:
    """Where a node is in its stage: numbers of the row, entries, what reduces them."""
    return 2 if x.op in _REDUCTIONS else 1 if x.of_entries else 0


def _known(order: list[Node]) -> dict[Node, int]:
    """From which stage on each node can be known."""
    known: dict[Node, int] = {}
    for x in order:
        latest = max((known.get(a, 0) for a in x.args), default=0)
        known[x] = 0 if x.op in _LOOKS else latest + (x.op in _REDUCTIONS)
    return known


def _registers_read(step: Instruction) -> list[int]:
    form = step.opcode.rpartition("_")[2]
    return [x for kind, x in zip(form, step.operands, strict=True) if kind == "r"]


def _renumbered(step: Instruction, numbers: Mapping[int, int]) -> Instruction:
    form = step.opcode.rpartition("_")[2]
    operands = tuple(
        numbers[x] if kind == "r" else x
        for kind, x in zip(form, step.operands, strict=True)
    )
    return replace(step, target=numbers[step.target], operands=operands)


def _marked(code: list[Instruction], stages: list[_Stage]) -> list[Instruction]:
    """Mark numbers of a row that entries read, and derivatives that nobody reads."""
    read = {
        slot
        for row, _, end in stages
        for step in code[row:end]
        for slot in _registers_read(step)
    }
    derivatives = {len(ARRAYS) + 1, len(ARRAYS) + 2} - read
    entries = {i for row, entry, _ in stages for i in range(row, entry)}
    return [
        replace(step, last=step.target in (derivatives if i in entries else read))
        for i, step in enumerate(code)
    ]
