"""fastloss in the words of scikit-learn.

>>> import fastloss.sklearn
>>> from sklearn.ensemble import HistGradientBoostingRegressor
>>> model = HistGradientBoostingRegressor(loss=fastloss.sklearn.loss("log_cosh"))

`loss` makes any loss one of scikit-learn's gradient boosting; its own, as
`HalfBinomialLoss`, are here under their names. `report` says what ran where.
"""

from fastloss.sklearn._any import *
from fastloss.sklearn._journal import *
from fastloss.sklearn.losses import *
