"""The losses: their parameters, names and documentation. The formulas are in C."""

from fastloss.core.kinds import Registered
from fastloss.losses import (
    binary,
    boxes,
    count,
    distribution,
    embedding,
    margin,
    multiclass,
    ranking,
    regression,
    robust,
    segmentation,
    survival,
)
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

FAMILIES = (
    regression,
    robust,
    margin,
    binary,
    count,
    multiclass,
    distribution,
    embedding,
    ranking,
    survival,
    segmentation,
    boxes,
)

LOSSES: dict[str, Registered] = {
    loss.name: loss
    for family in FAMILIES
    for loss in vars(family).values()
    if isinstance(loss, Registered)
}
