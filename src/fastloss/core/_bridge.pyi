from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

CUSTOM: int
MAX_INPUTS: int
MAX_PARAMETERS: int
OPERANDS: int
XLA_HANDLER: object
REDUCTIONS: tuple[str, ...]

class Program:
    def __init__(
        self,
        inputs: int,
        registers: int,
        setup: int,
        code: NDArray[np.uint16],
        constants: NDArray[np.float64],
        stages: NDArray[np.int32] | None = ...,
        *,
        kept: int = ...,
        reductions: int = ...,
        classes: bool = ...,
        at_label: tuple[int, int] = ...,
        index: int = ...,
    ) -> None: ...

def opcodes() -> tuple[str, ...]: ...
def domains() -> dict[str, str]: ...
def registry() -> tuple[
    tuple[str, str, str, tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...
]: ...
def isas() -> tuple[str, ...]: ...
def isa_supported(name: str) -> bool: ...
def isa() -> str: ...
def isa_of_kernels() -> tuple[str, str]: ...
def use_isa(name: str) -> None: ...
def default_threads() -> int: ...
def ask_for_threads(function: Callable[[], int]) -> None: ...
def openmp_name() -> str: ...
def compiler_name() -> str: ...
def run(
    loss: int,
    outputs: int,
    reduction: int,
    labels: tuple[NDArray[Any], ...],
    predictions: tuple[NDArray[Any], ...],
    extra: tuple[NDArray[Any], ...],
    weight: NDArray[Any] | None,
    value: NDArray[Any] | None,
    grads: tuple[NDArray[Any] | None, ...],
    hesses: tuple[NDArray[Any] | None, ...],
    parameters: tuple[float, ...],
    sign_labels: bool,
    smoothing: float,
    class_weight: NDArray[np.float64] | None,
    ignore_class: int | None,
    any_sum: bool,
    label_form: int,
    temperature: float,
    softcap: float,
    threads: int,
    program: Program | None = None,
    parts: list[float] | None = None,
) -> tuple[float, int, int, int, float]: ...

class Kernel:
    def _bind(
        self,
        loss: int,
        fast: bool,
        rows: bool,
        classes: bool,
        reduction: str,
        parameters: tuple[float, ...],
        *,
        sign_labels: bool = False,
        smoothing: float = 0.0,
        class_weight: NDArray[np.float64] | None = None,
        ignore_class: int | None = None,
        any_sum: bool = False,
        label_form: int = 0,
        temperature: float = 0.0,
        softcap: float = 0.0,
    ) -> None: ...
