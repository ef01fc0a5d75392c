"""The command line: ``fastloss demo | info | guide | eval``."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn, Self

import fastloss as fl
from fastloss.app import demo
from fastloss.app.evaluate import evaluate
from fastloss.app.files import open_array, split_name
from fastloss.core.kinds import (
    Elementwise,
    PairedRowwise,
    Rowwise,
    SparseRowwise,
)
from fastloss.core.loss import Loss

_REDUCTIONS = ("mean", "sum", "sum_over_batch_size")


class _Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {_printable(message)}\n")


class _Once(argparse.Action):
    """Store the value of an option that may be given once."""

    given = False

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if self.given:
            raise argparse.ArgumentError(self, "given more than once; one is allowed")
        self.given = True
        self.store(namespace, values, option_string)

    def store(
        self, namespace: argparse.Namespace, values: Any, option_string: str | None
    ) -> None:
        setattr(namespace, self.dest, values)


class _OnceOrNo(_Once, argparse.BooleanOptionalAction):
    """The same for ``--option`` and ``--no-option``."""

    def store(
        self, namespace: argparse.Namespace, values: Any, option_string: str | None
    ) -> None:
        setattr(namespace, self.dest, not str(option_string).startswith("--no-"))


def _parameter(text: str) -> Any:
    """A number, a tuple of numbers or None as Python writes them, or the text."""
    try:
        return float(text) if text in ("inf", "nan") else ast.literal_eval(text)
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return text


def _add_loss_options(parser: argparse.ArgumentParser, loss: Loss) -> None:
    """One option for each field of the loss; only those given reach the namespace."""
    group = parser.add_argument_group(f"parameters of {loss.name}")
    for field in dataclasses.fields(loss):
        option = "--" + field.name.replace("_", "-")
        default = getattr(loss, field.name)
        text = f"default: {default}"
        if field.name == "reduction":
            group.add_argument(
                option,
                action=_Once,
                choices=_REDUCTIONS,
                default=argparse.SUPPRESS,
                help=text,
            )
        elif isinstance(default, bool):
            group.add_argument(
                option,
                action=_OnceOrNo,
                default=argparse.SUPPRESS,
                help=text,
            )
        else:
            group.add_argument(
                option,
                action=_Once,
                type=_parameter,
                default=argparse.SUPPRESS,
                metavar="VALUE",
                help=text,
            )


def _named_loss(argv: Sequence[str]) -> Loss | None:
    """The loss that ``--loss`` names: the other options of `eval` follow from it."""
    parser = _Parser(prog="fastloss eval", add_help=False, allow_abbrev=False)
    parser.add_argument("--loss", action=_Once, type=_loss)
    known, _ = parser.parse_known_args(argv)
    return known.loss if isinstance(known.loss, Loss) else None


#: Those of two files.
_LOSSES = [
    name for name, loss in fl.LOSSES.items() if isinstance(loss, Elementwise | Rowwise)
]


def _loss(name: str) -> Loss:
    try:
        loss = fl.get(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if loss.name not in _LOSSES:
        raise argparse.ArgumentTypeError(
            f"{loss.name} needs more than labels and predictions: use it in Python"
        )
    return loss


def _build_parser(loss: Loss | None) -> _Parser:
    parser = _Parser(
        prog="fastloss",
        description="Loss functions and their derivatives for NumPy arrays.",
    )
    parser.add_argument(
        "--version", action="version", version=f"fastloss {fl.__version__}"
    )
    commands = parser.add_subparsers(title="commands", dest="command", required=True)

    command = commands.add_parser("demo", help="train models on handwritten digits")
    command.add_argument(
        "--plot", type=Path, metavar="FILE.png", help="also draw the learning curves"
    )
    command.set_defaults(run=_demo)

    command = commands.add_parser("info", help="version, instruction set, threads")
    command.set_defaults(run=_info)

    command = commands.add_parser("guide", help="which loss to choose")
    command.add_argument("task", nargs="?", help="only the losses for this task")
    command.set_defaults(run=_guide)

    command = commands.add_parser(
        "eval",
        help="value and gradient of a loss over files",
        description="Print the value of a loss over two files. Files are FILE.npy, "
        "FILE.npz (one array inside), FILE.npz:KEY, FILE.csv or FILE.csv:COLUMN and "
        "may be larger than memory; .npz and .csv are unpacked into the folder for "
        "temporary files. A .csv file is one column of numbers or, where the loss "
        "takes a row of classes, one column for each class; :COLUMN picks one by the "
        "name in its header, :A,B several. A first line that begins with a number is "
        "data unless a column is picked.",
        epilog="losses: " + ", ".join(_LOSSES) + "; name one with --loss to see its "
        "parameters here",
    )
    command.add_argument(
        "--loss", action=_Once, required=True, metavar="NAME", type=_loss
    )
    command.add_argument(
        "--weights", action=_Once, metavar="FILE", help="a weight for each sample"
    )
    command.add_argument(
        "--grad",
        action=_Once,
        type=Path,
        metavar="FILE.npy",
        help="write the gradient here, when it is complete",
    )
    command.add_argument("y_true", help="file of labels")
    command.add_argument("y_pred", help="file of predictions")
    if loss is not None:
        _add_loss_options(command, loss)
    command.set_defaults(run=_eval)
    return parser


def _demo(options: argparse.Namespace) -> None:
    demo.main(options.plot)


def _info(options: argparse.Namespace) -> None:
    fl.show_config()


def _guide(options: argparse.Namespace) -> None:
    print(fl.guide(options.task))


def _eval(options: argparse.Namespace) -> None:
    given = vars(options)
    fields = [field.name for field in dataclasses.fields(options.loss)]
    loss = dataclasses.replace(
        options.loss, **{name: given[name] for name in fields if name in given}
    )
    if options.grad is not None:
        if options.grad.suffix != ".npy":
            raise ValueError(f"--grad {options.grad}: expected a .npy file")
        inputs = (options.y_true, options.y_pred, options.weights)
        paths = [split_name(name)[0] for name in inputs if name]
        if any(_same_file(options.grad, path) for path in paths):
            raise ValueError(f"--grad {options.grad} is one of the inputs")
    rows, soft = isinstance(loss, Rowwise), isinstance(loss, PairedRowwise)
    label_dtype = "int64" if isinstance(loss, SparseRowwise) else "float64"
    with ExitStack() as stack:
        y_true = open_array(options.y_true, classes=soft, dtype=label_dtype)
        stack.enter_context(y_true)
        y_pred = open_array(options.y_pred, classes=rows)
        stack.enter_context(y_pred)
        weights = options.weights and open_array(options.weights)
        if weights:
            stack.enter_context(weights)
        progress = stack.enter_context(_Progress())
        value = evaluate(loss, y_true, y_pred, weights, options.grad, progress)
    print(value)


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


class _Progress:
    """A line on a terminal that shows the share done and the seconds it took."""

    def __enter__(self) -> Self:
        self.start = time.monotonic()
        self.shown = sys.stderr.isatty()
        return self

    def __call__(self, share: float) -> None:
        if self.shown:
            bar = "#" * round(40 * share)
            seconds = time.monotonic() - self.start
            line = f"\r[{bar:<40}] {share:4.0%} {seconds:6.1f} s"
            print(line, end="", file=sys.stderr, flush=True)

    def __exit__(self, *exception: object) -> None:
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def _printable(text: object) -> str:
    """One line that cannot steer a terminal: characters that do become escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def _fail(message: object) -> int:
    print("fastloss:", _printable(message), file=sys.stderr)
    return 2


@contextmanager
def _orderly_exit() -> Iterator[None]:
    """Turn the signals that end a process into `SystemExit`, so that files are removed.

    Signals that somebody ignores (nohup) or handles stay as they are.
    """

    def leave(number: int, frame: object) -> None:
        for each in caught:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    caught: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        numbers = [signal.Signals[name] for name in names]
        caught += [n for n in numbers if signal.getsignal(n) == signal.SIG_DFL]
    try:
        for each in caught:
            signal.signal(each, leave)
        yield
    finally:
        for each in caught:
            signal.signal(each, signal.SIG_DFL)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Wrong arguments and wrong input are one line on standard error and exit code 2.
    SIGTERM and SIGHUP raise `SystemExit` with 128 + their number.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    loss = _named_loss(arguments[1:]) if arguments[:1] == ["eval"] else None
    options = _build_parser(loss).parse_args(arguments)
    try:
        with _orderly_exit():
            options.run(options)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has enough; the interpreter must not try again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else error)
    except MemoryError as error:
        return _fail(str(error) or "not enough memory")
    except (ImportError, OverflowError, TypeError, ValueError) as error:
        return _fail(error)
    return 0
