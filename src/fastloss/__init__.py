"""Loss functions and their derivatives over NumPy arrays, fast and exact.

>>> import fastloss as fl
>>> fl.mse([1.0, 2.0, 3.0], [1.0, 2.0, 5.0])
1.3333333333333333
>>> value, grad = fl.huber.value_and_grad([1.0, 2.0], [1.5, 5.0])
>>> value, grad
(1.3125, array([0.25, 0.5 ]))
>>> fl.Huber(delta=2.0, reduction="sum")([1.0, 2.0], [1.5, 5.0])
4.125
"""

from typing import TYPE_CHECKING, Any

from fastloss import losses as _losses
from fastloss.core import config as _config
from fastloss.core.config import show_config
from fastloss.core.loss import Loss
from fastloss.core.registry import REGISTRY, Row
from fastloss.core.threads import get_num_threads, set_num_threads, threads

if TYPE_CHECKING:
    from fastloss import math, reference
    from fastloss import plot as plot
    from fastloss._custom.decorator import custom
    from fastloss._custom.refusal import TraceError
    from fastloss.advice import guide, suggest
    from fastloss.core.capi import get_include
    from fastloss.core.kinds import Advice
    from fastloss.core.partial import Partial
    from fastloss.diagnosis import diagnose
    from fastloss.losses import LOSSES
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
    from fastloss.names import get

    __version__: str

_config.choose_isa()

__all__ = [
    "LOSSES",
    "REGISTRY",
    "Advice",
    "Loss",
    "Partial",
    "Row",
    "TraceError",
    "custom",
    "diagnose",
    "get",
    "get_include",
    "get_num_threads",
    "guide",
    "math",
    "reference",
    "set_num_threads",
    "show_config",
    "suggest",
    "threads",
]
__all__ += _losses.__all__

#: Where the names are that are imported when they are first asked for.
_LATER = dict.fromkeys(_losses.__all__, "fastloss.losses") | {
    "Advice": "fastloss.core.kinds",
    "LOSSES": "fastloss.losses",
    "Partial": "fastloss.core.partial",
    "TraceError": "fastloss._custom.refusal",
    "custom": "fastloss._custom.decorator",
    "diagnose": "fastloss.diagnosis",
    "get": "fastloss.names",
    "get_include": "fastloss.core.capi",
    "guide": "fastloss.advice",
    "math": "fastloss.math",
    "plot": "fastloss.plot",
    "reference": "fastloss.reference",
    "suggest": "fastloss.advice",
}


if not TYPE_CHECKING:  # to a type checker a name that is not above is an error

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return _config.version()
        if name not in _LATER:
            said = f"module 'fastloss' has no attribute {name!r}"
            if not name.startswith("_"):
                from fastloss.names import hint

                said += hint(name)
            raise AttributeError(said)
        from importlib import import_module

        module = import_module(_LATER[name])
        found = (
            module if module.__name__ == f"fastloss.{name}" else getattr(module, name)
        )
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_LATER, "__version__"})


_config.patch_neighbours()
