"""How far a long job is, on a terminal."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any, Self


class Progress:
    """A bar with the rate and the time that is left, by rich where it is installed.

    Parameters
    ----------
    total : int or None
        Bytes to be read, if that is known.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._bar: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty() and find_spec("rich"):
            from rich import progress
            from rich.console import Console

            self._bar = progress.Progress(
                progress.BarColumn(),
                progress.TaskProgressColumn(),
                progress.DownloadColumn(),
                progress.TransferSpeedColumn(),
                progress.TimeRemainingColumn(),
                console=Console(file=sys.stderr),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total)
        return self

    def __call__(self, done: int) -> None:
        """Show that so many bytes are read."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done)

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()
