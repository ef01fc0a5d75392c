"""What to write instead of what a traced function may not do."""

from __future__ import annotations

IN_BOOLEAN_CONTEXT = (
    "write np.where(condition, a, b) for a choice, np.maximum or np.clip for a bound; "
    "each sample takes its own branch"
)
IN_PLACE = (
    "write r = r + ..., or np.where for a part of it: arrays that the function was "
    "given, views and arrays of integers stay as they are"
)
NO_LOOP = (
    "drop the loop or the index: the formula is applied to every sample; values of "
    "other samples are out of reach, further arrays can be named inputs"
)
APART = "; several predictions are taken apart at once: mean, var = y_pred"
NO_INDEX = (
    "write np.where(y_true == 1, a, b) for a number that depends on the label; the "
    "formula is applied to every sample, further arrays can be named inputs"
)
AT_LABEL = (
    "write np.take_along_axis(x, y_true[:, None], axis=-1) for the entry at the label, "
    "np.where(y_true == 1, a, b) for a number that depends on it; values of other "
    "samples are out of reach, further arrays can be named inputs"
)
TAKES_ARRAYS = (
    "use NumPy's or fl.math's function of that name, which takes whole arrays"
)
NO_KEY = "write np.where(condition, a, b): each sample takes its own number"
DECIDES = "the number of samples decides, which is not known while tracing"
ONES = "write np.ones_like(y_pred), np.zeros_like(y_pred) or np.full_like(y_pred, c)"
KEEPS_SHAPE = "leave it out: y_true, y_pred and inputs have one shape, which is kept"
_ACROSS = "a sample cannot see the others: compute it outside, pass it as a parameter"
OF_ATTRIBUTES = {
    "dtype": "make what depends on it a parameter, as eps=1e-7",
    "ndim": KEEPS_SHAPE,
    "T": KEEPS_SHAPE,
    "std": "a sample cannot see the others: compute it outside, pass a parameter",
    "var": "a sample cannot see the others: compute it outside, pass a parameter",
    "any": IN_BOOLEAN_CONTEXT,
    "all": IN_BOOLEAN_CONTEXT,
    "item": TAKES_ARRAYS,
    "tolist": NO_LOOP,
    "dot": "write np.sum(a * b) as the last step",
}
OF_FUNCTIONS = {
    "any": IN_BOOLEAN_CONTEXT,
    "all": IN_BOOLEAN_CONTEXT,
    "median": _ACROSS,
    "percentile": _ACROSS,
    "quantile": _ACROSS,
    "std": _ACROSS,
    "var": _ACROSS,
    "sort": _ACROSS,
    "argsort": _ACROSS,
    "cumsum": _ACROSS,
    "prod": _ACROSS,
    "norm": "write np.sum(r**2) or np.sum(np.abs(r)) as the last step",
    "dot": "write np.sum(a * b) as the last step",
    "inner": "write np.sum(a * b) as the last step",
    "einsum": "write np.sum(a * b) as the last step",
    "shape": KEEPS_SHAPE,
    "piecewise": "write nested np.where",
}
_VARIANCE = "np.mean((x - np.mean(x, axis=-1, keepdims=True))**2, axis=-1)"
_ORDER = (
    "write np.max(x, axis=-1) for the largest entry, and for the second that of "
    "np.where(x == np.max(x, axis=-1, keepdims=True), -np.inf, x)"
)
_PLACE = (
    "write x == np.max(x, axis=-1, keepdims=True) as the condition that an entry is "
    "the largest; a place has no slope"
)
_LOGS = "of positive entries write np.exp(np.sum(np.log(x), axis=-1))"
_NEIGHBOURS = (
    "an entry cannot see its neighbours: np.cumsum of one-hot labels is "
    "np.arange(C) >= y_true[:, None]; of predictions compute it outside"
)
ALONG_ROWS = {
    "std": f"write np.sqrt({_VARIANCE})",
    "var": f"write {_VARIANCE}",
    "prod": _LOGS,
    "ptp": "write np.max(x, axis=-1) - np.min(x, axis=-1)",
    "any": "write np.max(np.where(condition, 1, 0), axis=-1)",
    "all": "write np.min(np.where(condition, 1, 0), axis=-1)",
    "count_nonzero": "write np.sum(np.where(condition, 1, 0), axis=-1)",
    "nansum": "write np.sum(np.where(np.isnan(x), 0, x), axis=-1)",
    **dict.fromkeys(("dot", "inner", "einsum"), "write np.sum(a * b, axis=-1)"),
    **dict.fromkeys(("argmax", "argmin", "argsort", "argpartition"), _PLACE),
    **dict.fromkeys(("sort", "partition", "median", "quantile", "percentile"), _ORDER),
    **dict.fromkeys(("cumsum", "cumprod", "diff", "roll", "flip"), _NEIGHBOURS),
}
"""What to write instead of NumPy's functions along the last axis."""
