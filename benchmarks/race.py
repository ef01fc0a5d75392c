"""The race: fastloss against every peer on every cell, and against the memory.

    python benchmarks/race.py --quick
    python benchmarks/race.py --cells '*logits/value*/float32/*' --repetitions 15

Every contender does a cell's job as its documentation advises, on the same arrays and
as many threads, in one process; a thread count has a process of its own, bound to as
many CPUs before any library is loaded. Results are compared before anything is timed.
Repetitions are interleaved, figures are medians. The limit is a loop in C that moves
the same bytes (`streaming.c`), with the stores that are faster in that cell.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cells import HESS, VALUE, Cell, grid
from measures import OURS

# The limit is of interest where data does not fit the first caches.
LIMIT_ENTRIES = 100_000
# Results are compared on about so many entries.
COMPARED = 1_000_000
TOLERANCE = {"float32": 2e-4, "float64": 1e-9}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def _bind(threads: int) -> None:
    """Give this process `threads` CPUs and tell every library so."""
    cpus = sorted(os.sched_getaffinity(0))[:threads]
    os.sched_setaffinity(0, cpus)
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)


def _close(ours: tuple[Any, ...], theirs: tuple[Any, ...], tolerance: float) -> bool:
    import numpy as np

    for a, b in zip(ours, theirs, strict=True):
        a, b = np.ravel(a), np.ravel(b)
        step = 1 + a.size // COMPARED
        a, b = a[::step].astype(float), b[::step].astype(float)
        scale = np.abs(a).max()
        if not np.allclose(b, a, rtol=tolerance, atol=tolerance * scale):
            return False
    return True


class Arena:
    """All contenders in this process, and the input they share at the moment."""

    def __init__(self, threads: int, names: list[str]) -> None:
        from peers import load

        self.threads = threads
        loaded = {name: load(name, threads) for name in names}
        self.peers = {name: peer for name, peer in loaded.items() if peer}
        self._input: tuple[Any, ...] = ()

    def versions(self) -> dict[str, str]:
        return {name: peer.version for name, peer in self.peers.items()}

    def _data(self, cell: Cell) -> Any:
        from calls import inputs

        key = (cell.kernel, cell.dtype, cell.shape)
        if self._input != (*key, cell.call):
            self.data = self.plain = None
            self.plain = self.data = inputs(*key, "plain")
            if cell.call != "plain":
                self.data = inputs(*key, cell.call)
            self._input = (*key, cell.call)
        return self.data

    def race(self, cell: Cell, options: dict[str, Any]) -> dict[str, Any]:
        """Times of all contenders that have the job and give the right result."""
        import numpy as np

        from timing import race

        data = self._data(cell)
        runs, wrong, expected = {}, {}, None
        others = self._limits(cell, data)
        if data is not self.plain:
            others["plain"] = self.peers[OURS].job(cell, self.plain).run
            others["plain"]()
        for name, peer in self.peers.items():
            try:
                job = peer.job(cell, data)
                if job is None:
                    continue
                result = job.results(job.run())
            except (ArithmeticError, MemoryError, RuntimeError, ValueError) as error:
                if name == OURS:
                    raise
                wrong[name] = repr(error)[:200]
                continue
            if expected is None:
                expected = tuple(np.copy(part) for part in result)
            elif not _close(expected, result, TOLERANCE[cell.dtype]):
                wrong[name] = str(result[0])[:80]
                continue
            runs[name] = job.run
        times = race(runs | others, **options)
        return cell.as_dict() | {
            "times": {name: asdict(times[name]) for name in runs},
            "limits": {n: asdict(times[n]) for n in others if n != "plain"},
            "wrong": wrong,
            **self._beside_plain(cell, times),
        }

    def _beside_plain(self, cell: Cell, times: dict[str, Any]) -> dict[str, Any]:
        """Our time of the plain call, and how much more this one may take."""
        from calls import CALLS

        if "plain" not in times:
            return {}
        return {
            "plain": asdict(times["plain"]),
            "allowed": CALLS[cell.call].limit(cell, self.data, self.plain),
        }

    def _limits(self, cell: Cell, data: Any) -> dict[str, Any]:
        from streaming import streams

        sparse = cell.kernel == "sparse_categorical_crossentropy"
        if cell.call != "plain":  # the limit of a call is the plain one's time
            return {}
        if data.y_pred.size < LIMIT_ENTRIES or (sparse and cell.output == VALUE):
            return {}
        reads = [] if sparse else [data.y_pred]
        if data.y_true.nbytes == data.y_pred.nbytes:
            reads.append(data.y_true)
        writes = [data.grad] if cell.output != VALUE else []
        if cell.output == HESS:
            writes.append(data.hess)
        loops = streams(reads, writes, self.threads)
        return {f"limit {name}": loop for name, loop in loops.items()}


def _work(
    pipe: Connection,
    threads: int,
    cells: list[Cell],
    names: list[str],
    options: dict[str, Any],
) -> None:
    _bind(threads)
    arena = Arena(threads, names)
    import fastloss as fl

    pipe.send({"versions": arena.versions(), "config": fl.show_config("dict")})
    for cell in cells:
        pipe.send(arena.race(cell, options))
        gc.collect()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((s.split(":")[1].strip() for s in lines if "model name" in s), "")


def run(
    cells: list[Cell],
    names: list[str],
    options: dict[str, Any],
    minutes: float,
    path: Path,
) -> dict[str, Any]:
    """Run all cells, a process per number of threads; the data of the JSON file.

    `options` go to `timing.race`. After so many minutes, or an interrupt, the cells
    not yet run are left out. What there is is written to `path` after every cell.
    """
    end = time.monotonic() + 60 * minutes
    report: dict[str, Any] = {
        "started": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "cpu": _cpu(),
        "python": platform.python_version(),
        **options,
        "cells": [],
    }
    with tqdm(total=len(cells), unit="cell") as bar:
        for threads in sorted({cell.threads for cell in cells}, reverse=True):
            todo = [cell for cell in cells if cell.threads == threads]
            for answer in _answers(threads, todo, names, options, end):
                if "versions" in answer:
                    report |= answer
                    continue
                report["cells"].append(answer)
                path.write_text(json.dumps(report, indent=1) + "\n")
                bar.set_postfix_str(f"{answer['kernel']} {answer['size']}")
                bar.update()
    return report


def _answers(
    threads: int,
    cells: list[Cell],
    names: list[str],
    options: dict[str, Any],
    end: float,
) -> Iterator[dict[str, Any]]:
    """What the process for `threads` threads sends, up to the time `end`."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    worker = context.Process(
        target=_work, args=(sender, threads, cells, names, options)
    )
    worker.start()
    sender.close()
    try:
        for _ in range(1 + len(cells)):
            if not receiver.poll(max(0, end - time.monotonic())):
                break
            yield receiver.recv()
    except KeyboardInterrupt:
        print("interrupted: the report has the cells run so far")
    finally:
        worker.terminate()
        worker.join()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="few cells, 2 threads, under 5 minutes")
    add(
        "--cells",
        default="*",
        metavar="PATTERNS",
        help="comma-separated, of keys "
        "loss/output/dtype/size/threads as huber/value/float32/30k/2",
    )
    add("--threads", type=int, nargs="+", help="default 1 2, with --quick 2")
    add("--dtypes", nargs="+", help="default float32 float64, with --quick float32")
    add("--peers", nargs="+", help="contenders, default all that are installed")
    add("--minutes", type=float, default=600, help="stop after so many")
    add("--repetitions", type=int, default=7)
    add(
        "--busy",
        action="store_true",
        help="least CPU time, for one thread on a machine that is not idle",
    )
    add(
        "--output",
        type=Path,
        default=Path("peers"),
        metavar="STEM",
        help="writes STEM.json, STEM.md, STEM-float32.png ...",
    )
    add("--merge", type=Path, nargs="+", metavar="JSON", help="reports to write as one")
    add("--compare", type=Path, nargs=2, metavar="JSON", help="two runs, cell by cell")
    add("--list", action="store_true", help="print the keys and stop")
    return parser.parse_args()


def merged(paths: list[Path]) -> dict[str, Any]:
    """The cells of several reports as one; of a cell run twice the last counts."""
    from report import cell_key

    report: dict[str, Any] = {}
    cells: dict[tuple[Any, ...], Any] = {}
    for path in paths:
        report |= json.loads(path.read_text())
        for cell in report["cells"]:
            cells[cell_key(cell)] = cell
    return report | {"cells": list(cells.values())}


def main() -> None:
    from peers import PEERS
    from report import agreement, write

    given = _arguments()
    if given.compare:
        print(agreement(*(json.loads(path.read_text()) for path in given.compare)))
        return
    if given.merge:
        print(write(merged(given.merge), given.output))
        return
    cells = grid(
        quick=given.quick,
        threads=tuple(given.threads or ([2] if given.quick else [1, 2])),
        dtypes=tuple(
            given.dtypes or (["float32"] if given.quick else ["float32", "float64"])
        ),
        pattern=given.cells,
    )
    if given.list:
        print("\n".join(cell.key for cell in cells))
        return
    names = [name for name in PEERS if not given.peers or name in given.peers]
    if "fastloss" not in names:
        names.insert(0, "fastloss")
    options = {"repetitions": given.repetitions, "busy": given.busy}
    path = given.output.with_suffix(".json")
    report = run(cells, names, options, given.minutes, path)
    print(write(report, given.output))


if __name__ == "__main__":
    main()
