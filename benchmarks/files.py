"""`fastloss eval` against reading the file alone: seconds and peak memory.

    python benchmarks/files.py FOLDER [--gigabytes N] [--repetitions N]

Makes files in FOLDER, of that many gigabytes in Parquet and a tenth of the rows as text
and as arrays, unless they are there. Every figure is a process of its own, started in
turn: the least time, also of a CPU, and the largest peak. "Half" is the peak with files
of half as many rows. Linux only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

GROUP_ROWS = 1 << 20
#: Of a row of the Parquet file, where random numbers do not shrink.
ROW_BYTES = 22
SHOPS = 40

READ_PARQUET = """
import pyarrow.parquet as pq
file = pq.ParquetFile({path!r}, buffer_size=1 << 20, pre_buffer=False)
for _ in file.iter_batches(1 << 21, columns={columns!r}): pass
"""
READ_CSV = """
import pyarrow.csv as csv
options = csv.ConvertOptions(include_columns=['label', 'score'])
for _ in csv.open_csv({path!r}, csv.ReadOptions(block_size=1 << 22),
                      convert_options=options): pass
"""
READ_NPY = """
import numpy as np
buffer = np.empty(2 << 20)
for path in {paths!r}:
    with open(path, 'rb', 0) as file:
        while file.readinto(buffer): pass
"""
COLUMNS = ["--true", "label", "--pred", "score"]


def _batch(rows: int, random: np.random.Generator) -> pa.RecordBatch:
    names = pa.array([f"shop {k}" for k in range(SHOPS)])
    score = random.random(rows)
    shops = pa.array(random.integers(0, SHOPS, rows).astype("i4"))
    return pa.record_batch(
        {
            "id": np.arange(rows),
            "label": (random.random(rows) < score).astype("i1"),
            "score": score,
            "weight": random.random(rows) + 0.5,
            "shop": pa.DictionaryArray.from_arrays(shops, names),
        }
    )


def make(folder: Path, rows: int, suffix: str) -> None:
    """Files of so many rows in Parquet, and a tenth as text and as arrays."""
    random = np.random.default_rng(0)
    parquet = folder / f"table{suffix}.parquet"
    if parquet.exists():
        return
    schema = _batch(1, random).schema
    options = {"use_dictionary": ["shop"], "compression": "snappy"}
    with pyarrow.parquet.ParquetWriter(parquet, schema, **options) as file:
        for _ in range(-(-rows // GROUP_ROWS)):
            file.write_batch(_batch(GROUP_ROWS, random), row_group_size=GROUP_ROWS)
    few = pa.Table.from_batches([_batch(rows // 10, random)])
    text = few.select(["id", "label", "score"])
    pyarrow.csv.write_csv(text, folder / f"table{suffix}.csv")
    np.save(folder / f"label{suffix}.npy", few["label"].to_numpy())
    np.save(folder / f"score{suffix}.npy", few["score"].to_numpy())


def run(argv: list[str]) -> tuple[float, float, float]:
    """Seconds, those of a CPU, and megabytes of the peak."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *argv], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{argv} failed")
    seconds = time.perf_counter() - start
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def jobs(folder: Path, suffix: str) -> dict[str, tuple[list[str], list[str]]]:
    """Of each row of the table: reading alone, and the command."""
    parquet, text = (str(folder / f"table{suffix}.{end}") for end in ("parquet", "csv"))
    arrays = [str(folder / f"{name}{suffix}.npy") for name in ("label", "score")]
    bce = ["-m", "fastloss", "eval", "--loss", "bce"]

    def reading(*columns: str) -> list[str]:
        names = ["label", "score", *columns]
        return ["-c", READ_PARQUET.format(path=parquet, columns=names)]

    weighted = [*bce, parquet, *COLUMNS, "--weight", "weight"]
    two = [*bce, "--loss", "mse", parquet, *COLUMNS]
    numpy = ["-c", READ_NPY.format(paths=arrays)]
    gradient = str(folder / "grad.npy")
    return {
        "Parquet": (reading(), [*bce, parquet, *COLUMNS]),
        "Parquet, weights": (reading("weight"), weighted),
        "Parquet, weights, 40 groups": (
            reading("weight", "shop"),
            [*weighted, "--by", "shop"],
        ),
        "Parquet, two losses, top 20": (reading(), [*two, "--top", "20"]),
        "CSV": (["-c", READ_CSV.format(path=text)], [*bce, text, *COLUMNS]),
        ".npy": (numpy, [*bce, *arrays]),
        ".npy, gradient": (numpy, [*bce, *arrays, "--grad", gradient]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    folder = options.folder
    rows = int(options.gigabytes * 1e9 / ROW_BYTES)
    # In a process of its own: the peak of what is started later begins with that of
    # the process that starts it.
    for arguments in ((folder, rows, ""), (folder, rows // 2, "-half")):
        maker = get_context("spawn").Process(target=make, args=arguments)
        maker.start()
        maker.join()
        if maker.exitcode:
            raise SystemExit("the files could not be made")
    sizes = [folder / name for name in ("table.parquet", "table.csv", "score.npy")]
    shown = [f"{path.name} {path.stat().st_size / 1e9:.2f} GB" for path in sizes]
    print(f"{', '.join(shown)}; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n")
    print("| job | reading alone (CPU) | eval (CPU) | reading's peak | peak | half |")
    print("|---|---|---|---|---|---|")
    halves = jobs(folder, "-half")
    for name, (reading, command) in jobs(folder, "").items():
        pairs = [(run(reading), run(command)) for _ in range(options.repetitions)]
        cells = []
        for runs in zip(*pairs, strict=True):
            seconds, cpu, _ = (min(figures) for figures in zip(*runs, strict=True))
            cells.append(f"{seconds:.1f} s ({cpu:.1f} s)")
        peaks = (max(peak for *_, peak in runs) for runs in zip(*pairs, strict=True))
        cells += [f"{peak:.0f} MB" for peak in peaks]
        cells.append(f"{run(halves[name][1])[2]:.0f} MB")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\nLoad at the end: {os.getloadavg()[0]:.1f}.")


if __name__ == "__main__":
    main()
