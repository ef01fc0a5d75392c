"""fastloss in the words of scikit-learn.

>>> import fastloss.sklearn
>>> from sklearn.ensemble import HistGradientBoostingRegressor
>>> model = HistGradientBoostingRegressor(loss=fastloss.sklearn.loss("log_cosh"))

`loss` makes any loss one of scikit-learn's gradient boosting; its own losses, as
`HalfBinomialLoss`, are here under their names. `patch` lets scikit-learn compute its
losses and loss metrics here, `report` says what ran where.
"""

from importlib import import_module

try:
    import_module("sklearn._loss.loss")
except ImportError as error:
    raise ImportError(
        f"fastloss.sklearn needs scikit-learn 1.5 or later ({error}): "
        "pip install 'scikit-learn>=1.5'"
    ) from error

from fastloss.sklearn._any import *
from fastloss.sklearn._journal import *
from fastloss.sklearn._patch import *
from fastloss.sklearn.losses import *
