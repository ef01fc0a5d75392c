"""The losses: their parameters, names and documentation. The formulas are in C."""

from fastloss.core.kinds import Registered
from fastloss.losses import binary, margin, multiclass, regression, robust
from fastloss.losses.binary import *
from fastloss.losses.margin import *
from fastloss.losses.multiclass import *
from fastloss.losses.regression import *
from fastloss.losses.robust import *

__all__: list[str] = []
__all__ += regression.__all__
__all__ += robust.__all__
__all__ += margin.__all__
__all__ += binary.__all__
__all__ += multiclass.__all__

LOSSES: dict[str, Registered] = {
    loss.name: loss
    for family in (regression, robust, margin, binary, multiclass)
    for loss in vars(family).values()
    if isinstance(loss, Registered)
}
