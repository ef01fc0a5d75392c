"""The instruction set, chosen once at import, and what this installation is."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any, Literal, overload

import numpy as np

from fastloss.core import _bridge
from fastloss.core.threads import get_num_threads

__all__ = ["show_config"]

_VARIABLE = "FASTLOSS_ISA"

_PATCH = "FASTLOSS_PATCH"
_PATCHED = ("sklearn",)


def _usable() -> tuple[str, ...]:
    return tuple(name for name in _bridge.isas() if _bridge.isa_supported(name))


def version() -> str:
    """Version of the installed package."""
    from importlib import metadata  # slow to import

    return metadata.version("fastloss")


def choose_isa() -> None:
    """Use the best instruction set of this CPU, or the one FASTLOSS_ISA names."""
    name = os.environ.get(_VARIABLE, "")
    if name and name not in _usable():
        raise ImportError(
            f"{_VARIABLE}={name!r} is not an instruction set this build and CPU "
            f"support; valid: {', '.join(_usable())}"
        )
    _bridge.use_isa(name or _usable()[0])


def patch_neighbours() -> None:
    """Patch the libraries that FASTLOSS_PATCH names, separated by commas."""
    for name in os.environ.get(_PATCH, "").replace(" ", "").split(","):
        if name:
            if name not in _PATCHED:
                raise ImportError(
                    f"{_PATCH} names {name!r}, not one of {', '.join(_PATCHED)}"
                )
            import_module(f"fastloss.{name}").patch()


@overload
def show_config(mode: Literal["print"] = "print") -> None: ...
@overload
def show_config(mode: Literal["dict"]) -> dict[str, Any]: ...
def show_config(mode: str = "print") -> dict[str, Any] | None:
    """Version, instruction sets, threads, OpenMP runtime and compiler.

    Parameters
    ----------
    mode : {"print", "dict"}
        Print the configuration, or return it.

    Returns
    -------
    dict or None

    Raises
    ------
    ValueError
        If `mode` is neither.

    Examples
    --------
    >>> import fastloss as fl
    >>> sorted(fl.show_config("dict"))
    ['compiler', 'isa', 'isa_available', 'numpy', 'openmp', 'threads', 'version']
    """
    if mode not in ("print", "dict"):
        raise ValueError(f"mode = {mode!r} is neither 'print' nor 'dict'")
    config: dict[str, Any] = {
        "version": version(),
        "isa": _bridge.isa(),
        "isa_available": list(_usable()),
        "threads": get_num_threads(),
        "openmp": _bridge.openmp_name(),
        "compiler": _bridge.compiler_name(),
        "numpy": np.__version__,
    }
    if mode == "dict":
        return config
    for key, value in config.items():
        text = ", ".join(value) if isinstance(value, list) else value
        print(f"{key:<14}{text}")
    return None
