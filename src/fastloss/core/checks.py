"""What arrays and parameters must look like, and what is said when they do not."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss.core import foreign

__all__: list[str] = []

Array = NDArray[Any]
Shape = tuple[int, ...]


def _is_masked(value: object) -> bool:
    """Whether this is a masked array.

    NumPy imports `numpy.ma` at its first use; a child of a fork during that import
    would wait for its lock for ever. Who has a masked array has imported it.
    """
    masked = sys.modules.get("numpy.ma")
    return isinstance(value, getattr(masked, "MaskedArray", ()))


def _as_array(name: str, value: ArrayLike) -> Array:
    if _is_masked(value):
        raise TypeError(
            f"{name} is a masked array, whose mask would be lost: pass "
            f"{name}.filled(0) and a sample_weight of 0 for the masked samples"
        )
    given = value if type(value) is np.ndarray else foreign.opened(name, value)
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name} is not an array: {error}") from None
    # A view of our own: another thread may give the array another shape meanwhile.
    return array.view() if array is value else array


def _as_numbers(name: str, value: ArrayLike) -> Array:
    """Booleans, integers of up to 64 bits, float32 or float64."""
    array = _as_array(name, value)
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind in "biu" or (kind == "f" and size in (4, 8)):
        return array
    if kind == "O":
        raise TypeError(foreign.what_is_no_number(name, array, value))
    raise TypeError(f"{name} has dtype {array.dtype}: {_dtype_remedy(name, array)}")


def _dtype_remedy(name: str, array: Array) -> str:
    if array.dtype.kind == "f":
        return f"use {name}.astype(np.float64)"
    remedy = "use booleans, integers, float32 or float64"
    if array.dtype.kind in "US":
        try:
            array.astype(np.float64)
        except ValueError:
            return remedy + foreign.names_of_classes(name)
        return f"use np.asarray({name}).astype(np.float64)"
    return remedy


def predictions(y_pred: ArrayLike, name: str = "y_pred") -> Array:
    """Predictions as float32 or float64; integers become float64."""
    array = _as_numbers(name, y_pred)
    if array.dtype.kind in "biu":
        array = array.astype(np.float64)
    return array


def predictions_alike(named: dict[str, ArrayLike]) -> tuple[Array, ...]:
    """Predictions of one shape, in the wider of their dtypes."""
    arrays = {name: predictions(given, name) for name, given in named.items()}
    (first, model), *others = arrays.items()
    for name, array in others:
        if array.shape != model.shape:
            raise ValueError(
                f"{name} has shape {array.shape}, {first} {model.shape}: "
                "they must be equal, nothing is broadcast"
            )
    if all(array.dtype == model.dtype for _, array in others):
        return tuple(arrays.values())
    dtype = np.result_type(*arrays.values())
    return tuple(array.astype(dtype, copy=False) for array in arrays.values())


def labels_like(name: str, value: ArrayLike, like: str, shape: Shape) -> Array:
    """Labels of the shape of the predictions `like`, or of what else has one each."""
    array = _as_numbers(name, value)
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}, {like} {shape}: "
            "they must be equal, nothing is broadcast"
            + ("" if array.shape else f"; {name} is one number, not an array")
            + ("" if shape else f"; {like} is one number, not an array")
        )
    return array


def codes(name: str, value: ArrayLike, like: str, shape: Shape) -> Array:
    """Numbers for the names of something of each entry of `like`, from 0 on."""
    array = _as_array(name, value)
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}, {like} {shape}: they must be equal, "
            "nothing is broadcast"
        )
    return np.unique(array, return_inverse=True)[1].reshape(shape)


def ordered(low: str, lower: Array, high: str, upper: Array) -> None:
    """Bounds that are in their order, or missing."""
    crossed = lower > upper
    if crossed.any():
        place = int(np.argmax(crossed))
        raise ValueError(
            f"{element(low, lower, place)} is more than {element(high, upper, place)}: "
            f"{low} is the smaller bound"
        )


def items(
    name: str, value: Any, count: int, meanings: tuple[str, ...] = ()
) -> tuple[Any, ...]:
    """A tuple of so many things."""
    if isinstance(value, tuple | list) and len(value) == count:
        return tuple(value)
    raise TypeError(
        f"{name} must be a tuple of {count} arrays, got {type(value).__name__}"
        + (f" of {len(value)}" if isinstance(value, tuple | list) else "")
        + (f": pass {name}=({', '.join(meanings)})" if meanings else "")
    )


def has_entries(name: str, array: Array) -> None:
    """There is a last axis, with something along it."""
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}: it needs a last axis of entries"
        )


def group_index(
    entries: int,
    groups: ArrayLike | None,
    group_ids: ArrayLike | None,
    group_offsets: ArrayLike | None,
) -> NDArray[np.int64]:
    """The number of groups, where each begins, and where the last one ends."""
    given = {
        "groups": groups,
        "group_ids": group_ids,
        "group_offsets": group_offsets,
    }
    named = [(name, value) for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise TypeError(
            "one of groups=, group_ids= and group_offsets= says what the groups are, "
            f"got {' and '.join(name for name, _ in named) or 'none of them'}"
        )
    name, value = named[0]
    array = _group_numbers(name, value)
    starts = {
        "groups": _starts_of_sizes,
        "group_ids": _starts_of_ids,
        "group_offsets": _starts_of_offsets,
    }[name](array, entries)
    return np.concatenate([[starts.size - 1], starts], dtype=np.int64)


def _group_numbers(name: str, value: ArrayLike) -> Array:
    array = _as_numbers(name, value)
    if array.ndim != 1:
        said = {
            "groups": "the size of each group",
            "group_ids": "the group of each entry",
            "group_offsets": "where each group begins, and the end of the last",
        }[name]
        raise ValueError(f"{name} has shape {array.shape}: it must be 1-D, {said}")
    if array.size and array.dtype.kind not in "iu":
        said = "sizes are" if name == "groups" else "it holds"
        raise TypeError(
            f"{name} has dtype {array.dtype}, {said} integers: "
            f"use {name}.astype(np.int64)"
        )
    return array


def _starts_of_sizes(sizes: Array, entries: int) -> Array:
    if sizes.size and int(sizes.min()) < 0:
        raise ValueError(f"{element('groups', sizes, int(sizes.argmin()))} is negative")
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)], dtype=np.int64)
    if starts[-1] != entries:
        raise ValueError(
            f"groups sums to {starts[-1]}, y_pred has {entries} entries: the groups "
            "follow each other and hold every entry once"
        )
    return starts


def _starts_of_ids(ids: Array, entries: int) -> Array:
    if ids.size != entries:
        raise ValueError(
            f"group_ids has {ids.size} entries, y_pred {entries}: it names the group "
            "of each"
        )
    falls = np.flatnonzero(ids[1:] < ids[:-1])
    if falls.size:
        at = int(falls[0]) + 1
        raise ValueError(
            f"{element('group_ids', ids, at)} comes after {ids[at - 1]}: the ids must "
            "be sorted; sort all arrays by np.argsort(group_ids, kind='stable')"
        )
    begins = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    first = np.zeros(min(entries, 1), dtype=np.int64)
    return np.concatenate([first, begins, [entries]], dtype=np.int64)


def _starts_of_offsets(offsets: Array, entries: int) -> Array:
    if offsets.size == 0 or offsets[0] != 0 or offsets[-1] != entries:
        shown = f"{offsets[0]} to {offsets[-1]}" if offsets.size else "nothing"
        raise ValueError(
            f"group_offsets goes from {shown}, y_pred has {entries} entries: it begins "
            f"with 0 and ends with {entries}, one number more than there are groups"
        )
    falls = np.flatnonzero(offsets[1:] < offsets[:-1])
    if falls.size:
        at = int(falls[0]) + 1
        raise ValueError(
            f"{element('group_offsets', offsets, at)} comes after {offsets[at - 1]}: "
            "a group begins where the one before it ends"
        )
    return offsets.astype(np.int64)


def embeddings(name: str, value: ArrayLike) -> Array:
    """A matrix, an embedding in each row."""
    array = predictions(value, name)
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"{name} has shape {array.shape}: it must be 2-D, an embedding in each row"
        )
    return array


def classes_of_rows(y_true: ArrayLike | None, rows: int) -> NDArray[np.int64]:
    """The class of each row of a batch, from 0 on.

    None: row i and row i + rows/2 are of one class.
    """
    if y_true is None:
        if rows % 2:
            raise ValueError(
                f"y_true is None, y_pred has {rows} rows: without labels row i and row "
                "i + n/2 are a pair, and n must be even"
            )
        return np.tile(np.arange(rows // 2), 2)
    array = _as_numbers("y_true", y_true)
    if array.shape != (rows,):
        raise ValueError(
            f"y_true has shape {array.shape}, y_pred {rows} rows: y_true must have "
            f"shape ({rows},), the class of each row"
        )
    if array.dtype.kind == "f" and rows > 0:
        raise TypeError(
            f"y_true has dtype {array.dtype}, classes are integers: "
            "use y_true.astype(np.int64)"
        )
    return np.unique(array, return_inverse=True)[1].astype(np.int64, copy=False)


def axes(value: Any, ndim: int) -> tuple[int, ...]:
    """Some axes of an array of `ndim`; None: all of them."""
    if value is None:
        return tuple(range(ndim))
    given = value if isinstance(value, tuple) else (value,)
    for axis in given:
        if not -ndim <= axis < ndim:
            raise ValueError(
                f"axis = {value!r} names axis {axis}, y_pred has {ndim} axes"
            )
    positive = tuple(axis % ndim for axis in given)
    if len(set(positive)) < len(positive):
        raise ValueError(f"axis = {value!r} names an axis twice")
    return tuple(sorted(positive))


def is_empty(y_pred: Array, reduction: str) -> bool:
    """Whether there are no samples, of which there are sums, but no mean."""
    if y_pred.size:
        return False
    if reduction not in ("sum", "none"):
        raise ValueError(
            f"y_pred is empty: its shape is {y_pred.shape}. There is no mean of no "
            'samples: use reduction="sum", which is 0, or reduction="none"'
        )
    return True


def elementwise_labels(y_true: ArrayLike, y_pred: Array) -> Array:
    """`y_true` of the shape of `y_pred`."""
    array = _as_numbers("y_true", y_true)
    if array.shape != y_pred.shape:
        raise ValueError(
            f"y_true has shape {array.shape}, y_pred {y_pred.shape}: "
            + _shape_remedy(array, y_pred)
        )
    return array


def _shape_remedy(y_true: Array, y_pred: Array) -> str:
    if y_pred.shape == (*y_true.shape, 1):
        return "use y_pred[..., 0]"
    if y_true.shape == (*y_pred.shape, 1):
        return "use y_true[..., 0]"
    if y_pred.shape == (*y_true.shape, 2) and np.allclose(y_pred.sum(axis=-1), 1):
        return "of the probabilities of two classes use y_pred[..., 1], those of 1"
    if y_pred.ndim == 0:
        return "for one prediction for all use np.full(np.shape(y_true), y_pred)"
    if y_true.size == y_pred.size:
        return "reshape one of them, they are not broadcast"
    return "they must be equal, nothing is broadcast"


def rows(y_pred: Array) -> None:
    """`y_pred` has a last axis of classes."""
    if y_pred.ndim == 0:
        raise ValueError("y_pred has shape (): it needs a last axis of classes")
    if y_pred.shape[-1] == 0:
        raise ValueError(f"y_pred has shape {y_pred.shape}: it has no classes")


def class_labels(y_true: ArrayLike, y_pred: Array) -> Array:
    """Integer `y_true`, one class per row of `y_pred`."""
    array = _as_numbers("y_true", y_true)
    if array.shape == y_pred.shape and array.ndim:
        if array.ndim == 1 and np.all(y_pred == np.rint(y_pred)):
            raise ValueError(f"y_pred has shape {y_pred.shape}: {_NO_SCORES}")
        raise ValueError(
            f"y_true has shape {array.shape}, y_pred {y_pred.shape}: one class per row "
            "is expected; for one-hot or soft labels use categorical_crossentropy"
        )
    if array.shape != y_pred.shape[:-1]:
        remedy = (
            "use y_true[..., 0]"
            if array.shape == (*y_pred.shape[:-1], 1)
            else _row_remedy(array, y_pred)
            or f"y_true must have shape {y_pred.shape[:-1]}"
        )
        raise ValueError(
            f"y_true has shape {array.shape}, y_pred {y_pred.shape}: {remedy}"
        )
    if array.dtype.kind == "f":
        raise TypeError(
            f"y_true has dtype {array.dtype}, classes are integers: "
            "use y_true.astype(np.int64)"
        )
    return array


_SWAPPED = "y_true and y_pred look swapped: labels come first, predictions second"
_NO_SCORES = (
    "it needs a last axis with a score for each class, as from predict_proba, not the "
    "class that was predicted"
)


def _row_remedy(y_true: Array, y_pred: Array) -> str | None:
    """What predictions without an axis of classes may be."""
    if y_true.ndim == 0 or y_true.shape[:-1] != y_pred.shape:
        return None
    if np.all((y_true == 0) | (y_true == 1)):
        return f"y_pred: {_NO_SCORES}"
    return _SWAPPED if np.all(y_pred == np.rint(y_pred)) else None


def other_coding(domain: str, label: Array, prediction: Array, value: Any) -> str:
    """What labels outside their domain may be, and the remedy, or nothing.

    `domain` is that of the label, `value` the first one outside.
    """

    def holds(array: Array, *numbers: float) -> bool:
        found = [array == number for number in numbers]
        return all(each.any() for each in found) and bool(np.logical_or(*found).all())

    coding = {"sign": (-1, 1), "unit": (0, 1)}.get(domain)
    if coding and holds(prediction, *coding) and np.any(label != np.rint(label)):
        return f"; {_SWAPPED}"
    if domain == "sign" and holds(label, 0, 1):
        return "; 2 * y_true - 1 makes them of 0 and 1"
    if domain in ("unit", "bit", "class") and holds(label, -1, 1):
        return "; for labels -1 and +1 use (y_true + 1) // 2"
    if domain in ("unit", "bit") and holds(label, 1, 2):
        return "; for labels 1 and 2 use y_true - 1"
    if domain == "class":
        classes = prediction.shape[-1]
        if label.min() == 1 and label.max() == classes:
            return "; the first class is 0: use y_true - 1"
        if value in (-1, -100):
            return f"; to leave such samples out pass ignore_class={value}"
    return ""


def label_weights(y_true: ArrayLike, y_pred: Array) -> Array:
    """One-hot or soft `y_true` of the shape of `y_pred`."""
    array = _as_numbers("y_true", y_true)
    if array.shape == y_pred.shape:
        return array
    remedy = (
        "for one class per row use sparse_categorical_crossentropy"
        if array.shape == y_pred.shape[:-1]
        else _row_remedy(array, y_pred) or "they must be equal, nothing is broadcast"
    )
    raise ValueError(f"y_true has shape {array.shape}, y_pred {y_pred.shape}: {remedy}")


def weights(sample_weight: ArrayLike | None, shape: tuple[int, ...]) -> Array | None:
    """`sample_weight` spread over samples of `shape`, whose leading axes it has."""
    if sample_weight is None:
        return None
    array = _as_numbers("sample_weight", sample_weight)
    if array.shape != shape[: array.ndim]:
        raise ValueError(
            f"sample_weight has shape {array.shape}, the samples {shape}: "
            "it needs the shape of the samples or of their leading axes"
        )
    if array.shape == shape:
        return array
    padded = array.reshape(array.shape + (1,) * (len(shape) - array.ndim))
    return np.broadcast_to(padded, shape)


def output(name: str, out: Any, shape: tuple[int, ...]) -> Array:
    """A view of an array the engine may write to; a view as in `_as_array`."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} is {type(out).__name__}: it must be a NumPy array")
    if _is_masked(out):
        raise TypeError(
            f"{name} is a masked array, whose mask would not change: pass {name}.data"
        )
    array = out.view(np.ndarray)
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        raise TypeError(
            f"{name} has dtype {array.dtype}: it must be float32 or float64"
        )
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}: it must be {shape}")
    if not array.flags.writeable:
        raise ValueError(f"{name} is read-only: pass a writable array")
    if _overlaps_itself(array):
        raise ValueError(
            f"{name} has strides {array.strides}: its elements share memory"
        )
    return array


def _overlaps_itself(array: Array) -> bool:
    """Whether two elements have a byte in common."""
    axes = [
        (abs(stride), length)
        for stride, length in zip(array.strides, array.shape, strict=True)
        if length > 1
    ]
    nested, extent = True, array.itemsize
    for stride, length in sorted(axes):
        nested = nested and stride >= extent
        extent += stride * (length - 1)
    if array.size == 0 or nested:
        return False
    if array.nbytes > extent:
        return True
    starts = np.zeros(1, dtype=np.int64)
    for stride, length in axes:
        starts = np.add.outer(starts, stride * np.arange(length)).ravel()
    return bool(np.any(np.diff(np.sort(starts)) < array.itemsize))


_MAX_WORK = 10_000


def share_memory(a: Array, b: Array) -> bool:
    """Whether two arrays have a byte in common, or it is hard to tell."""
    if not np.may_share_memory(a, b):
        return False
    try:
        return np.shares_memory(a, b, max_work=_MAX_WORK)  # type: ignore[arg-type]
    except (np.exceptions.TooHardError, OverflowError):
        return True


def pair(name: str, out: Any) -> tuple[Any, Any]:
    """A pair of outputs, either of which may be None."""
    if out is None:
        return None, None
    if isinstance(out, tuple | list) and len(out) == 2:
        return out[0], out[1]
    raise TypeError(f"out must be a pair {name}, got {type(out).__name__}")


def at(name: str, index: int, shape: tuple[int, ...]) -> str:
    """The element of a C-order index, as one would type it."""
    if not shape:
        return name
    return f"{name}[{', '.join(str(int(i)) for i in np.unravel_index(index, shape))}]"


def element(name: str, array: Array, index: int) -> str:
    """The element of a C-order index and its value."""
    where = np.unravel_index(index, array.shape)
    return f"{at(name, index, array.shape)} = {array[where]}"


def key(value: Any) -> Any:
    """What tells values apart that are equal: True, 1 and 1.0, or 0.0 and -0.0.

    Of arrays and lists it is what they hold now.
    """
    if isinstance(value, tuple | list):
        if all(type(item) is float for item in value):
            return type(value), struct.pack(f"{len(value)}d", *value)
        return type(value), tuple(map(key, value))
    if type(value) is np.ndarray and not value.dtype.hasobject:
        return np.ndarray, value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return type(value), tuple((key(k), key(v)) for k, v in value.items())
    if isinstance(value, set | frozenset):
        return type(value), frozenset(map(key, value))
    if isinstance(value, float):
        return type(value), value.hex()
    if isinstance(value, complex | np.inexact):
        return type(value), repr(value)
    return type(value), value


def number(
    name: str,
    value: Any,
    low: float,
    high: float,
    *,
    open_low: bool,
    open_high: bool = True,
) -> float:
    """A real parameter between two bounds."""
    if type(value) is float and low < value < high:
        return value
    left, right = "(" if open_low else "[", ")" if open_high else "]"
    expected = f"a number in {left}{low:g}, {high:g}{right}"
    if not (_is_integer(value) or isinstance(value, float | np.floating)):
        raise TypeError(f"{name} = {value!r} is not {expected}")
    try:
        x = float(value) + 0.0  # 0.0 of -0.0
    except OverflowError:
        x = math.inf
    above = low < x if open_low else low <= x
    if not above or not (x < high if open_high else x <= high):
        raise ValueError(f"{name} = {_shown(value)} is not {expected}")
    return x


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(
        value, bool | np.timedelta64
    )


def _shown(value: Any) -> str:
    """`value`, but not hundreds of digits."""
    if isinstance(value, int) and value.bit_length() > 1024:
        return f"an integer of {value.bit_length()} bits"
    return repr(value)


def one_of(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """One of some words."""
    if not isinstance(value, str) or value not in choices:
        names = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} = {value!r} is not one of {names}")


def boolean(name: str, value: Any) -> None:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} = {value!r} is neither True nor False")


def integer(name: str, value: Any) -> int:
    """An integer parameter of at most 64 bits."""
    if not _is_integer(value):
        raise TypeError(f"{name} = {value!r} is not an integer")
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} = {_shown(value)} does not fit into 64 bits")
    return int(value)


_PLAIN = [np.dtype(code) for code in "bBhHiIqQfd"]

ClassWeight = tuple[float, ...] | tuple[tuple[int, float], ...]


def class_weight(value: Any) -> ClassWeight | None:
    """One weight per class, or a mapping from classes to weights (others weigh 1).

    A series is a mapping from its index.
    """
    if value is None:
        return None
    if hasattr(value, "to_dict") and hasattr(value, "index"):
        pairs = list(zip(value.index, value, strict=True))
    elif isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, str | bytes | Set) or not isinstance(value, Iterable):
        raise TypeError(
            f"class_weight = {value!r} is neither one weight per class, in their "
            "order, nor a mapping from classes to weights; balanced ones are "
            "y_true.size / (classes * np.bincount(y_true))"
        )
    elif isinstance(value, np.ndarray) and value.dtype in _PLAIN and value.ndim == 1:
        return _weights_of(value)
    else:
        pairs = list(value)
        if {*map(type, pairs)} == {float}:
            return _weights_of(pairs)
        if not pairs or not all(isinstance(e, tuple) and len(e) == 2 for e in pairs):
            return tuple(_weight(f"class_weight[{i}]", w) for i, w in enumerate(pairs))
    return _class_weight_of(pairs)


def _weights_of(value: Any) -> tuple[float, ...]:
    """One weight per class of an array or of a list of numbers."""
    numbers = np.array(value, dtype=np.float64) + 0.0  # 0.0 of -0.0
    wrong = np.flatnonzero(~((numbers >= 0) & (numbers < math.inf)))
    if wrong.size:
        _weight(f"class_weight[{wrong[0]}]", value[wrong[0]])
    return tuple(numbers.tolist())


def _class_weight_of(pairs: list[tuple[Any, Any]]) -> ClassWeight | None:
    weights = {}
    for c, w in pairs:
        if not _is_integer(c):
            raise TypeError(
                f"class_weight names the class {c!r}: classes are integers, 0 is the "
                "first"
            )
        if int(c) in weights:
            raise ValueError(f"class_weight names class {c} twice")
        weights[integer("class of class_weight", c)] = _weight(
            f"class_weight of class {c}", w
        )
    return tuple(sorted(weights.items())) or None


def _weight(name: str, value: Any) -> float:
    return number(name, value, 0, math.inf, open_low=False)


def class_weights(value: ClassWeight | None, classes: int) -> Array | None:
    """`value` as one float64 per class."""
    if value is None:
        return None
    if value and isinstance(value[0], tuple):
        array = np.ones(classes)
        for c, w in value:
            if not 0 <= c < classes:
                raise ValueError(
                    f"class_weight names class {c}, which is not in [0, {classes})"
                )
            array[c] = w
        return array
    if len(value) != classes:
        raise ValueError(
            f"class_weight has {len(value)} entries, y_pred has {classes} classes"
        )
    return np.array(value, dtype=np.float64)
