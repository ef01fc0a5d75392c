"""The command line: ``fastloss demo | info | guide | bench | eval | diagnose``."""

from __future__ import annotations

import argparse
import ast
import dataclasses
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

import fastloss as fl
from fastloss.app import bench, demo, report
from fastloss.app.evaluate import evaluate
from fastloss.app.files import expand, open_array, replacing, split_name, write
from fastloss.app.progress import Progress
from fastloss.app.samples import open_samples
from fastloss.core.kinds import (
    Elementwise,
    PairedRowwise,
    Rowwise,
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
        setattr(namespace, self.dest, values)


class _Losses(argparse.Action):
    """Begin a loss: parameters that follow are its own."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        namespace.losses = [*(namespace.losses or []), (values, {})]


class _Many(argparse.Action):
    """Collect columns: ``--pred a --pred b``."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest) or []
        setattr(namespace, self.dest, [*before, values])


class _Parameter(argparse.Action):
    """A parameter of the loss before it or, before the first, of all that have it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if namespace.losses:
            loss, given = namespace.losses[-1]
            if self.dest not in _fields(loss):
                raise argparse.ArgumentError(
                    self, f"no parameter of {loss.name}, the loss before it"
                )
        else:
            given = namespace.common
        if self.dest in given or self.dest in namespace.common:
            raise argparse.ArgumentError(self, "given more than once; one is allowed")
        given[self.dest] = self.value(values, option_string)

    def value(self, values: Any, option_string: str | None) -> Any:
        return values


class _Switch(_Parameter, argparse.BooleanOptionalAction):
    """The same for ``--option`` and ``--no-option``."""

    def value(self, values: Any, option_string: str | None) -> Any:
        return not str(option_string).startswith("--no-")


def _fields(loss: Loss) -> list[str]:
    return [field.name for field in dataclasses.fields(loss)]


def _parameter(text: str) -> Any:
    """A number, a tuple of numbers or None as Python writes them, or the text."""
    try:
        return float(text) if text in ("inf", "nan") else ast.literal_eval(text)
    except (MemoryError, RecursionError, SyntaxError, ValueError):
        return text


def _add_loss_options(parser: argparse.ArgumentParser, losses: Sequence[Loss]) -> None:
    """One option for each field that one of the losses has."""
    names = ", ".join(dict.fromkeys(loss.name for loss in losses))
    group = parser.add_argument_group(f"parameters of {names}")
    defaults = {name: getattr(loss, name) for loss in losses for name in _fields(loss)}
    for name, default in defaults.items():
        options: dict[str, Any] = {"default": argparse.SUPPRESS}
        options["help"] = f"default: {default}"
        if isinstance(default, bool):
            options["action"] = _Switch
        else:
            options["action"] = _Parameter
            options["metavar"] = "VALUE"
            if name == "reduction":
                options["choices"] = _REDUCTIONS
            else:
                options["type"] = _parameter
        group.add_argument(f"--{name.replace('_', '-')}", **options)


def _named_losses(argv: Sequence[str]) -> list[Loss]:
    """The losses that ``--loss`` names, from which the other options follow."""
    parser = _Parser(prog="fastloss eval", add_help=False, allow_abbrev=False)
    parser.add_argument("--loss", action="append", type=_loss, default=[])
    known, _ = parser.parse_known_args(argv)
    return list(known.loss)


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


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of samples")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def _build_parser() -> _Parser:
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
        "bench",
        help="how fast this machine is, in half a minute",
        description="Time the main losses against NumPy and the libraries that are "
        "installed, from one thread to all.",
    )
    command.add_argument(
        "--seconds", type=_seconds, default=bench.SECONDS, help="default: %(default)s"
    )
    command.add_argument(
        "--compile", action="store_true", help="with torch.compile, which takes longer"
    )
    command.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the bars")
    command.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    command.set_defaults(run=_bench)

    commands.add_parser("eval", help="losses of files of any size")
    commands.add_parser("diagnose", help="why a loss does not go down")
    return parser


def _eval_parser(losses: Sequence[Loss]) -> _Parser:
    parser = _Parser(
        prog="fastloss eval",
        usage="%(prog)s --loss NAME [options] TABLE... --true COLUMN --pred COLUMN\n"
        "       %(prog)s --loss NAME [options] Y_TRUE Y_PRED",
        description="Print the value of losses over files, which may be larger than "
        "memory: a table of named columns, or a file of labels and one of predictions. "
        "Files are .parquet, .arrow, .feather, .csv and .tsv, read with pyarrow, .npy "
        "and .npz, or - for standard input; a name may be a pattern of many.",
        epilog="losses: " + ", ".join(_LOSSES) + "; name one with --loss to see its "
        "parameters here",
    )
    add = parser.add_argument
    add(
        "--loss",
        action=_Losses,
        dest="losses",
        required=True,
        metavar="NAME",
        type=_loss,
        help="may be given several times, each with its parameters behind it",
    )
    add("--true", action=_Many, metavar="COLUMN", help="of the labels")
    add(
        "--pred",
        action=_Many,
        metavar="COLUMN",
        help="of the predictions; given for each class where a row has several",
    )
    add(
        "--weight",
        "--weights",
        action=_Once,
        metavar="COLUMN",
        help="of a weight for each sample; a file where labels are one",
    )
    add(
        "--by",
        action=_Once,
        metavar="COLUMN",
        help="whose values make groups, with values of their own; or a file",
    )
    add(
        "--top",
        action=_Once,
        type=_count,
        default=0,
        metavar="N",
        help="also the samples of the largest losses",
    )
    add("--json", action="store_true", help="print JSON")
    add(
        "--output",
        action=_Once,
        type=Path,
        metavar="FILE",
        help="write there what is printed else",
    )
    add(
        "--grad",
        action=_Once,
        type=Path,
        metavar="FILE.npy",
        help="write the gradient here, when it is complete",
    )
    add("files", nargs="*", metavar="FILE", help="of a table, or labels, predictions")
    if losses:
        _add_loss_options(parser, losses)
    parser.set_defaults(run=_eval, common={})
    return parser


def _diagnose_parser(losses: Sequence[Loss]) -> _Parser:
    parser = _Parser(
        prog="fastloss diagnose",
        usage="%(prog)s --loss NAME [options] TABLE --true COLUMN --pred COLUMN\n"
        "       %(prog)s --loss NAME [options] Y_TRUE Y_PRED",
        description="Say what labels, predictions and curves show, most likely first. "
        "Files are those of eval, and are read whole.",
    )
    add = parser.add_argument
    add("--loss", action=_Losses, dest="losses", required=True, type=_loss)
    add("--true", action=_Many, metavar="COLUMN", help="of the labels")
    add("--pred", action=_Many, metavar="COLUMN", help="of the predictions")
    add("--weight", action=_Once, metavar="COLUMN", help="or a file")
    add("--history", action=_Once, metavar="FILE.npy", help="the cost by step")
    add("--validation", action=_Once, metavar="FILE.npy", help="that of other data")
    add("--json", action="store_true", help="print JSON")
    add("files", nargs="*", metavar="FILE", help="of a table, or labels, predictions")
    if losses:
        _add_loss_options(parser, losses)
    parser.set_defaults(run=_diagnose, common={})
    return parser


def _demo(options: argparse.Namespace) -> None:
    demo.main(options.plot)


def _bench(options: argparse.Namespace) -> None:
    bench.main(options.seconds, options.compile, options.plot, options.json)


def _info(options: argparse.Namespace) -> None:
    fl.show_config()


def _guide(options: argparse.Namespace) -> None:
    print(fl.guide(options.task))


def _configured(options: argparse.Namespace) -> list[Loss]:
    """The losses with their parameters."""
    losses = []
    for loss, own in options.losses:
        common = {k: v for k, v in options.common.items() if k in _fields(loss)}
        losses.append(dataclasses.replace(loss, **common, **own))
    return losses


def _diagnose(options: argparse.Namespace) -> None:
    loss, *others = _configured(options)
    if others:
        raise ValueError("--loss: one loss is diagnosed at a time")
    opened = open_samples(
        options.files,
        true=options.true,
        pred=options.pred,
        weight=options.weight,
        row_labels=isinstance(loss, PairedRowwise),
        row_predictions=isinstance(loss, Rowwise),
    )
    with opened as samples, ExitStack() as stack:
        _, *columns, _ = zip(*samples.batches(), strict=True)
        y_true, y_pred, weight = (
            column[0] if column[0] is None or samples.single else np.concatenate(column)
            for column in columns
        )
        history, validation = (
            name and stack.enter_context(open_array(name))[...]
            for name in (options.history, options.validation)
        )
    found = fl.diagnose(loss, y_true, y_pred, history, validation, weight)
    print(json.dumps(found.to_list(), indent=2) if options.json else found)


def _eval(options: argparse.Namespace) -> None:
    losses = _configured(options)
    if options.grad is not None and options.grad.suffix != ".npy":
        raise ValueError(f"--grad {options.grad}: expected a .npy file")
    in_files = options.true is None and options.pred is None
    extra = [n for n in (options.weight, options.by) if n is not None and in_files]
    patterns = [split_name(name)[0] for name in (*options.files, *extra)]
    paths = [Path(path) for pattern in patterns for path in expand(pattern)]
    for option in ("grad", "output"):
        target = getattr(options, option)
        if target is not None and any(_same_file(target, path) for path in paths):
            raise ValueError(f"--{option} {target} is one of the inputs")
    if options.output is not None and options.output == options.grad:
        raise ValueError(f"--output {options.output} is the file of --grad too")
    opened = open_samples(
        options.files,
        true=options.true,
        pred=options.pred,
        weight=options.weight,
        by=options.by,
        row_labels=any(isinstance(loss, PairedRowwise) for loss in losses),
        row_predictions=any(isinstance(loss, Rowwise) for loss in losses),
    )
    with opened as samples, ExitStack() as stack:
        output = options.output and stack.enter_context(replacing(options.output))
        passes = 1 if options.grad is None else 2
        total = None if samples.nbytes is None else passes * samples.nbytes
        with Progress(total) as progress:
            found = evaluate(
                losses,
                samples,
                top=options.top,
                grad_file=options.grad,
                progress=progress,
            )
        text = (report.as_json if options.json else report.as_text)(found, options.by)
        if output:
            write(output, f"{text}\n".encode(), str(options.output))
        else:
            print(text)


def _same_file(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


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
    parsers = {"eval": _eval_parser, "diagnose": _diagnose_parser}
    if arguments and arguments[0] in parsers:
        parser = parsers[arguments[0]](_named_losses(arguments[1:]))
        options = parser.parse_intermixed_args(arguments[1:])
    else:
        options = _build_parser().parse_args(arguments)
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
