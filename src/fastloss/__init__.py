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

from importlib.metadata import version

from fastloss import losses as _losses
from fastloss import math, reference
from fastloss._custom.decorator import custom
from fastloss._custom.trace import TraceError
from fastloss.core import config as _config
from fastloss.core.config import show_config
from fastloss.core.kinds import Advice
from fastloss.core.loss import Loss
from fastloss.core.registry import REGISTRY, Row
from fastloss.core.threads import get_num_threads, set_num_threads, threads
from fastloss.guide import guide, suggest
from fastloss.losses import *
from fastloss.losses import LOSSES
from fastloss.names import get

_config.choose_isa()

__version__ = version("fastloss")

__all__ = [
    "LOSSES",
    "REGISTRY",
    "Advice",
    "Loss",
    "Row",
    "TraceError",
    "custom",
    "get",
    "get_num_threads",
    "guide",
    "math",
    "reference",
    "set_num_threads",
    "show_config",
    "suggest",
    "threads",
    *_losses.__all__,
]
