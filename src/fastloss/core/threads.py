"""How many threads a large call may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from fastloss.core import _bridge

__all__ = ["get_num_threads", "set_num_threads", "threads"]

_VARIABLE = "FASTLOSS_NUM_THREADS"
_override: ContextVar[int | None] = ContextVar("fastloss_threads", default=None)


_MOST = 2**31 - 1  # a C int


def _checked(n: int, name: str) -> int:
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= _MOST:
        raise ValueError(f"{name} = {n!r} is not a number of threads: use 1 to {_MOST}")
    return n


def _read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()


def _cgroup_limit() -> int | None:
    """CPUs granted to this process's control group, rounded up (cgroup v2 and v1)."""
    try:
        quota, period = _read("/sys/fs/cgroup/cpu.max").split()
    except (OSError, ValueError):
        try:
            quota = _read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").strip()
            period = _read("/sys/fs/cgroup/cpu/cpu.cfs_period_us").strip()
        except OSError:
            return None
    if not (quota.isdigit() and period.isdigit()) or int(period) == 0:
        return None
    return max(1, -(-int(quota) // int(period)))


def _default() -> int:
    if text := os.environ.get(_VARIABLE):
        try:
            return _checked(int(text), _VARIABLE)
        except ValueError:
            raise ImportError(
                f"{_VARIABLE}={text!r} is not a number of threads: use 1 to {_MOST}"
            ) from None
    limits = [_bridge.default_threads()]
    if hasattr(os, "sched_getaffinity"):
        limits.append(len(os.sched_getaffinity(0)))
    if (limit := _cgroup_limit()) is not None:
        limits.append(limit)
    return max(1, min(limits))


_threads = _default()


def get_num_threads() -> int:
    """Number of threads a call made here may use at most.

    Small calls use fewer: the number follows the size of the work.

    Examples
    --------
    >>> import fastloss as fl
    >>> with fl.threads(2):
    ...     fl.get_num_threads()
    2
    """
    here = _override.get()
    return _threads if here is None else here


_bridge.ask_for_threads(get_num_threads)


def set_num_threads(n: int) -> None:
    """Set the number of threads for the whole process.

    Parameters
    ----------
    n : int
        1 to 2**31 - 1. Other libraries that use OpenMP are not affected.

    Raises
    ------
    ValueError
        If `n` is not such an integer.
    """
    global _threads
    _threads = _checked(n, "n")


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Use at most `n` threads inside a ``with`` block, in this thread or task only.

    Raises
    ------
    ValueError
        If `n` is not such an integer.
    """
    token = _override.set(_checked(n, "n"))
    try:
        yield
    finally:
        _override.reset(token)
