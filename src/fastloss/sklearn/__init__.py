"""fastloss in the words of scikit-learn.

>>> import fastloss.sklearn
>>> from sklearn.ensemble import HistGradientBoostingRegressor
>>> model = HistGradientBoostingRegressor(loss=fastloss.sklearn.loss("log_cosh"))

`loss` makes any loss one of scikit-learn's gradient boosting; its own losses, as
`HalfBinomialLoss`, are here under their names. `patch` lets scikit-learn compute its
losses and loss metrics here, `report` says what ran where.
"""

from fastloss._neighbours import require

require("scikit-learn", "1.8", "fastloss.sklearn")

from fastloss.sklearn._any import *  # noqa: E402
from fastloss.sklearn._journal import *  # noqa: E402
from fastloss.sklearn._patch import *  # noqa: E402
from fastloss.sklearn.losses import *  # noqa: E402
