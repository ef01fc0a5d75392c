"""Custom losses: traced, differentiated, simplified and lowered to block programs.

`trace` turns a NumPy function into a graph (`graph`, built through `simplify`),
`derive` takes its derivatives, `lower` makes the linear program that
csrc/custom/program.c interprets, `render` prints formulas, `compiler` holds all of it
for one class of losses, and `decorator` is `fastloss.custom`. What they know of an
operation is its record in `operations`.
"""

from . import operations as operations
