"""Hot loops are vectorised, on every instruction set, in its full width.

Read from the machine code: a loop with several operations on single numbers must be the
remainder of one, in the same function, that does the same kinds on whole registers. In
the kernels of element-wise losses, whose blocks are whole groups, there is none at all
on sets that can do everything the formulas need.
"""

from __future__ import annotations

import re

import pytest
from objects import UNITS, Loop, Unit

import fastloss as fl

SEVERAL = 4
ELEMENTS = "|".join(row.name for row in fl.REGISTRY if row.kind == "element")
OUTPUTS = "value|grad|value_grad|grad_hess"

#: Units and functions that may do single numbers, and why.
SINGLE = [
    # one number a row, of many entries
    (
        r"multiclass_",
        r"fl_wide_(lifted_values|logs|own|row_frames|shares|states|weighted_value)",
    ),
    (r"multiclass_", r"fl_(zlpr|cosine)_row|fl_(hinge_rows|contest_own)"),
    (r"multiclass_", r"fl_(crossentropy_products|drifts|own_points|sum_rows)"),
    # what is left of a tile behind the last four of its sum
    (r"binary_f64_", r"fl_binary_crossentropy_logits_value"),
    (r"margin_f64_", r"fl_((squared_)?hinge_value|modified_huber_value_grad)"),
    (r"binary_f64_", r"fl_brier_value_grad"),
    (r"robust_f64_", r"fl_(barron|welsch)_value"),
    # once a block
    (r"distribution_", r"fl_student_t_setup"),
    (r"robust_", r"fl_barron_setup"),
    # one number a tuple, a row of a batch, a group or a region, of many entries
    (r"embedding_", r"fl_((triplet|contrastive|cosine_embedding)_|\w+_states)"),
    (r"ranking_", r"fl_(listnet|ranking_softmax)_(value|grad)"),
    # what is sorted, cumulated or put in its place, each number from the one before
    (r"ranking_f64_", r"fl_(pairwise_logistic|lambdarank|listmle|approx_ndcg)_"),
    (r"ranking_f64_", r"fl_best_dcg"),
    (r"segmentation_f64_", r"fl_lovasz_\w+_region"),
    (r"segmentation_", r"fl_\w+_points"),
    # rows of four into lanes and back
    (r"boxes_", r"fl_[gdc]?iou_(value|grad|value_grad|grad_hess|product)$"),
    # along a sequence, each number from the one before
    (r"survival_", r""),
    # SSE2 has no masks that numbers of both widths, or 64 bits, are chosen by
    (r"robust_f.._baseline", r"fl_(barron|cauchy|fair|pseudo_huber|welsch)_"),
    (r"count_f.._baseline", r"fl_tweedie_(deviance_|mean_value)"),
    (r"binary_f32_baseline", r"fl_asymmetric_"),
    (
        r"multiclass_f32_baseline",
        r"fl_(categorical_focal_points|hinge_(runs|values)|tile_derivatives)",
    ),
    (r"boxes_f.._baseline", r"fl_ciou_losses"),
    (r"count_f64_baseline", r"fl_(gamma|tweedie)_(value|grad)"),
    # SSE2 neither compares nor shifts integers of 64 bits
    (r"(distribution|embedding|ranking|regression|robust)_f64_baseline", r""),
    (r"_f64_baseline", r"fl_accumulate|fl_mean_absolute_error_value"),
    (r"multiclass_f64_baseline", r""),
    (
        r"multiclass_f32_baseline",
        r"fl_(multi_margin_some_products|narrow_(lifted_values|lengths))",
    ),
    (r"programs_f.._baseline", r"fl_trig"),
    # compact code has no loops around loops of vectors, and no copies of loops
    (r"_baseline", r"fl_(weigh|harden|accumulate_block|tweedie_(mean_)?(value|grad))"),
    (r"multiclass_f32_baseline", r"fl_(compete_|derive_halves|narrow_lifted_class)"),
    (r"binary_f64_baseline", r"fl_binary_crossentropy_grad_hess"),
]


def excused(unit: Unit, function: str) -> bool:
    return any(
        re.search(units, str(unit)) and re.match(functions, function)
        for units, functions in SINGLE
    )


def alone(loop: Loop, loops: list[Loop]) -> bool:
    """Whether the loop does single numbers and is not the remainder of another."""
    single = loop.scalar.total() >= SEVERAL and not loop.packed
    return single and not any(set(loop.scalar) <= set(other.packed) for other in loops)


def derivatives(kernel: str) -> str:
    """Where the loop of a kernel of a loss of several heads or labels may be."""
    return re.sub(r"(?<!value)_grad(_hess)?(\..*)?$", "_derivatives", kernel)


@pytest.mark.parametrize("unit", UNITS, ids=str)
def test_loops_are_vectorised(unit: Unit) -> None:
    functions = unit.functions()
    packed = sum(bool(loop.packed) for loops in functions.values() for loop in loops)
    assert packed or not functions  # sequences are in double precision alone
    slow = [
        f"{function}: {dict(loop.scalar)}"
        for function, loops in functions.items()
        for loop in loops
        if alone(loop, loops) and not excused(unit, function)
    ]
    assert not slow


@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if unit.isa != "baseline"], ids=str
)
def test_kernels_of_elements_have_no_loop_over_single_numbers(unit: Unit) -> None:
    functions = unit.functions()
    shared = {re.sub(r"\..*", "", name): loops for name, loops in functions.items()}
    kernels = {
        function: [*loops, *shared.get(derivatives(function), [])]
        for function, loops in functions.items()
        if re.match(rf"fl_({ELEMENTS})_({OUTPUTS})(\.|$)", function)
    }
    family = [row for row in fl.REGISTRY if row.family == unit.name]
    elements = [row for row in family if row.kind == "element"]
    assert len(kernels) == 4 * len(elements)
    for function, loops in kernels.items():
        packed = any(loop.packed for loop in loops)
        assert packed or excused(unit, function), function
        for loop in loops:
            single = loop.scalar.total() >= SEVERAL and not loop.packed
            single &= not excused(unit, function)
            assert not single, f"{function}: {dict(loop.scalar)}"
