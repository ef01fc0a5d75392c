"""The losses: their parameters, names and documentation. The formulas are in C."""

from fastloss.core.kinds import Registered
from fastloss.losses import binary, margin, multiclass, regression, robust
from fastloss.losses.binary import *
from fastloss.losses.margin import *
from fastloss.losses.multiclass import *
from fastloss.losses.regression import *
from fastloss.losses.robust import *

FAMILIES = (regression, robust, margin, binary, multiclass)

LOSSES: dict[str, Registered] = {
    loss.name: loss
    for family in FAMILIES
    for loss in vars(family).values()
    if isinstance(loss, Registered)
}
