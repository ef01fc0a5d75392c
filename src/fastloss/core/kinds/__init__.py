"""The kinds of losses: what each asks of its arrays, and how they become a job.

Everything that depends on what an item of a loss is stands in its class here and in
the driver of its kind, csrc/engine/drivers/<kind>.c.
"""

from fastloss.core.kinds.compared import Batch, LabelledPairs, Pairwise, TwoBatches
from fastloss.core.kinds.elements import Binary, Bounded, Elementwise, SeveralHeads
from fastloss.core.kinds.levels import Levels
from fastloss.core.kinds.regions import Overlap, Regions, SortedRegions
from fastloss.core.kinds.registered import (
    Advice,
    NamedClasses,
    Names,
    Registered,
    Structured,
)
from fastloss.core.kinds.rows import (
    Boxwise,
    CappedRowwise,
    ClassWeighted,
    DenseRowwise,
    Distributions,
    PairedRowwise,
    Rowwise,
    SmoothedRowwise,
    SparseRowwise,
    Stepwise,
    TemperedRowwise,
)
from fastloss.core.kinds.sequences import Grouped, Sequence

__all__ = [
    "Advice",
    "Batch",
    "Binary",
    "Bounded",
    "Boxwise",
    "CappedRowwise",
    "ClassWeighted",
    "DenseRowwise",
    "Distributions",
    "Elementwise",
    "Grouped",
    "LabelledPairs",
    "Levels",
    "NamedClasses",
    "Names",
    "Overlap",
    "PairedRowwise",
    "Pairwise",
    "Regions",
    "Registered",
    "Rowwise",
    "Sequence",
    "SeveralHeads",
    "SmoothedRowwise",
    "SortedRegions",
    "SparseRowwise",
    "Stepwise",
    "Structured",
    "TemperedRowwise",
    "TwoBatches",
]
