"""Pictures of losses, with Matplotlib: the extra ``plot``.

Every function draws on new axes or on the ones that it is given, returns the figure,
and leaves Matplotlib's state as it was: nothing is shown and nothing stays open.
``figure.savefig("loss.png")`` writes a picture, a notebook shows the figure.
"""

from fastloss._neighbours import require

require("matplotlib", "3.9", "fastloss.plot", "plot")

from fastloss.plot.curves import compare, loss  # noqa: E402
from fastloss.plot.data import calibration, residuals, surface  # noqa: E402

__all__ = ["calibration", "compare", "loss", "residuals", "surface"]
