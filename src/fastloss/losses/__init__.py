"""The losses: their parameters, names and documentation. The formulas are in C.

A family is imported when one of its names is first asked for: together they take longer
than all that they are built on.
"""

import os
from _thread import RLock  # threading takes long to import
from typing import TYPE_CHECKING, Any

from fastloss.losses._names import NAMES

if TYPE_CHECKING:
    from fastloss.losses._all import FAMILIES as FAMILIES
    from fastloss.losses._all import LOSSES as LOSSES
    from fastloss.losses.binary import *
    from fastloss.losses.boxes import *
    from fastloss.losses.count import *
    from fastloss.losses.distribution import *
    from fastloss.losses.embedding import *
    from fastloss.losses.margin import *
    from fastloss.losses.multiclass import *
    from fastloss.losses.ranking import *
    from fastloss.losses.regression import *
    from fastloss.losses.robust import *
    from fastloss.losses.segmentation import *
    from fastloss.losses.survival import *

#: Where the names are.
_MODULES = {name: family for family, names in NAMES.items() for name in names}

__all__ = [*_MODULES]

_MODULES |= {"FAMILIES": "_all", "LOSSES": "_all"} | {name: name for name in NAMES}

# Forks wait for an import: a child of one during it would wait for its lock for ever.
# What is imported asks for no name here, so that no lock is waited for in a circle.
_lock = RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire,
        after_in_parent=_lock.release,
        after_in_child=_lock.release,
    )


if not TYPE_CHECKING:  # to a type checker a name that is not above is an error

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        with _lock:
            module = import_module(f"{__name__}.{_MODULES[name]}")
        globals()[name] = found = module if name in NAMES else getattr(module, name)
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
