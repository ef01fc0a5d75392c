"""Custom losses: traced, differentiated, simplified and lowered to block programs.

What the user writes comes by `decorator`, which is `fastloss.custom`, or `classes`;
`signature` says what it may look like, `functions` how it is called, `captured` what it
reads besides, and `journey` how it travels to other processes.

`runs` calls it with stand-ins and finds `expressions`. A stand-in is a `symbol`, with
its length in `shapes`, or a mean or sum, `reduced`; NumPy asks it by its `protocol`,
and what it makes of it is in `ufuncs`, `array_functions` and, along the last axis,
`axes`. `operands` says what may meet a stand-in, `label_arrays` which arrays of the
function's own are labels, `tracing` what the trace was told, `refusal` and `remedies`
what the user is. `agreement` looks whether the formula is what NumPy computes.

A formula is a `graph` of nodes. What is known of an operation is its record in
`operations`. Nodes come from `building`, by rules: `arithmetic`, `sums`, `polynomials`,
`logarithms`, `powers`, `comparisons`, and `signs` for what these may assume. `derive`
makes derivatives by the rules of `slopes`; `heads` are several predictions, `rows` the
algebra of rows, `statistic` what is one number of sums, `counts` how many samples
enter. `numbers` evaluates formulas and `render` prints them.

`lower` and `lower_rows` make the linear programs that csrc/custom/program.c interprets,
`binding` gives them to the engine, and `compiler` keeps all of it for one class of
losses. What cannot be traced is `untraced`. `cost` counts, `merge` says what may be
computed in parts, `textbook` has the formulas of built-in losses.
"""

from . import operations as operations
