"""Custom losses: traced, differentiated, simplified and lowered to block programs.

`symbol` stands for arrays in a NumPy function, which so becomes a graph (`graph`, built
through `building`); `ufuncs`, `array_functions` and `axes` answer NumPy.
`derive` takes its derivatives, `lower` makes the linear program that
csrc/custom/program.c interprets, `render` prints formulas, `compiler` holds all of it
for one class of losses. `axes` is what a trace knows of the last axis, `rows` the
algebra of rows, `lower_rows` their programs. What they know of an operation is its
record in `operations`.
`decorator` is `fastloss.custom`, `classes` does the same for classes, `cost` counts,
`textbook` has the formulas of built-in losses.
"""

from . import operations as operations
