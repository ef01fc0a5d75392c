"""Losses of boxes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fastloss.reference._common import Array, arrays

__all__ = ["CIoU", "DIoU", "GIoU", "IoU"]


class _Jet(NamedTuple):
    """Numbers and their first and second derivatives by one of the four of a box."""

    v: Any
    d: Any
    h: Any

    def plus(self, other: _Jet) -> _Jet:
        return _Jet(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: _Jet) -> _Jet:
        return _Jet(*(a - b for a, b in zip(self, other, strict=True)))

    def times(self, other: _Jet) -> _Jet:
        (a, da, ha), (b, db, hb) = self, other
        return _Jet(a * b, da * b + a * db, ha * b + 2 * da * db + a * hb)

    def over(self, other: _Jet) -> _Jet:
        """The quotient, 0 where the divisor is."""
        one = np.where(other.v == 0, 1, other.v)
        v = self.v / one
        d = (self.d - v * other.d) / one
        h = (self.h - 2 * d * other.d - v * other.h) / one
        return _Jet(*(np.where(other.v == 0, 0, part) for part in (v, d, h)))

    def where(self, first: Any, other: _Jet) -> _Jet:
        """Itself where the condition holds, else the other."""
        return _Jet(*(np.where(first, a, b) for a, b in zip(self, other, strict=True)))

    def max(self, other: _Jet) -> _Jet:
        mean = _Jet(*((a + b) / 2 for a, b in zip(self, other, strict=True)))
        return self.where(self.v > other.v, other.where(self.v < other.v, mean))

    def min(self, other: _Jet) -> _Jet:
        mean = _Jet(*((a + b) / 2 for a, b in zip(self, other, strict=True)))
        return self.where(self.v < other.v, other.where(self.v > other.v, mean))


def _constant(v: Any) -> _Jet:
    return _Jet(v, 0 * v, 0 * v)


def _corners(box: list[_Jet], form: str) -> list[_Jet]:
    """x1, y1, x2, y2."""
    corner, size = box[:2], box[2:]
    if form == "xyxy":
        return box
    if form == "cxcywh":
        half = _constant(0 * box[0].v + 1).over(_constant(0 * box[0].v + 2))
        corner = [c.minus(s.times(half)) for c, s in zip(corner, size, strict=True)]
    return [*corner, *(c.plus(s) for c, s in zip(corner, size, strict=True))]


class _Boxes:
    """The IoU loss and a penalty; derivatives by each number, as jets."""

    @staticmethod
    def _penalty(
        own: list[_Jet], true: list[_Jet], union: _Jet, iou: Any, eps: Any
    ) -> _Jet:
        raise NotImplementedError

    @classmethod
    def _jet(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        by: int,
        eps: float,
        form: str,
    ) -> _Jet:
        t, p = arrays(y_true, y_pred)
        moving = [
            _Jet(p[..., k], 0 * p[..., k] + (k == by), 0 * p[..., k]) for k in range(4)
        ]
        own = _corners(moving, form)
        true = _corners([_constant(t[..., k]) for k in range(4)], form)
        shared = [
            own[k + 2].min(true[k + 2]).minus(own[k].max(true[k])) for k in range(2)
        ]
        meet = (shared[0].v > 0) & (shared[1].v > 0)
        both = shared[0].times(shared[1]).where(meet, _constant(0 * p[..., 0]))
        union = _area(own).plus(_area(true)).minus(both)
        iou = both.over(union.plus(_constant(0 * union.v + eps)))
        one = _constant(0 * union.v + 1)
        empty = union.v + eps == 0
        loss = _constant(0 * union.v).where(empty, one.minus(iou))
        return loss.plus(cls._penalty(own, true, union, loss.v, eps))

    @classmethod
    def value(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        eps: float = 1e-7,
        format: str = "xyxy",
    ) -> Any:
        return cls._jet(y_true, y_pred, 0, eps, format).v

    @classmethod
    def grad(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        eps: float = 1e-7,
        format: str = "xyxy",
    ) -> Array:
        parts = [cls._jet(y_true, y_pred, by, eps, format).d for by in range(4)]
        return np.stack(parts, axis=-1)

    @classmethod
    def hess(
        cls,
        y_true: npt.ArrayLike,
        y_pred: npt.ArrayLike,
        eps: float = 1e-7,
        format: str = "xyxy",
    ) -> Array:
        parts = [cls._jet(y_true, y_pred, by, eps, format).h for by in range(4)]
        return np.stack(parts, axis=-1)


def _area(box: list[_Jet]) -> _Jet:
    return box[2].minus(box[0]).times(box[3].minus(box[1]))


def _around(own: list[_Jet], true: list[_Jet]) -> tuple[_Jet, _Jet]:
    """Sides of the smallest box around both."""
    w, h = (own[k + 2].max(true[k + 2]).minus(own[k].min(true[k])) for k in range(2))
    return w, h


class IoU(_Boxes):
    """``1 - I/(U + eps)``."""

    @staticmethod
    def _penalty(
        own: list[_Jet], true: list[_Jet], union: _Jet, iou: Any, eps: Any
    ) -> _Jet:
        return _constant(0 * union.v)


class GIoU(_Boxes):
    """``1 - I/(U + eps) + (C - U)/(C + eps)``."""

    @staticmethod
    def _penalty(
        own: list[_Jet], true: list[_Jet], union: _Jet, iou: Any, eps: Any
    ) -> _Jet:
        w, h = _around(own, true)
        around = w.times(h)
        return around.minus(union).over(around.plus(_constant(0 * union.v + eps)))


class DIoU(_Boxes):
    """``1 - I/(U + eps) + rho^2/(c^2 + eps)``."""

    @staticmethod
    def _penalty(
        own: list[_Jet], true: list[_Jet], union: _Jet, iou: Any, eps: Any
    ) -> _Jet:
        w, h = _around(own, true)
        four = _constant(0 * union.v + 4)
        apart = _constant(0 * union.v)
        for k in range(2):
            twice = own[k].plus(own[k + 2]).minus(true[k]).minus(true[k + 2])
            apart = apart.plus(twice.times(twice).over(four))
        across = w.times(w).plus(h.times(h)).plus(_constant(0 * union.v + eps))
        return apart.over(across)


class CIoU(_Boxes):
    """``1 - I/(U + eps) + rho^2/(c^2 + eps) + alpha v``, alpha a constant."""

    @staticmethod
    def _angle(box: list[_Jet]) -> _Jet:
        """``arctan(w/h)``."""
        w, h = box[2].minus(box[0]), box[3].minus(box[1])
        r = w.over(h)
        slope = 1 / (1 + r.v**2)
        h2 = r.h * slope - 2 * r.v * (r.d * slope) ** 2
        return _Jet(np.arctan(r.v), r.d * slope, h2)

    @staticmethod
    def _penalty(
        own: list[_Jet], true: list[_Jet], union: _Jet, iou: Any, eps: Any
    ) -> _Jet:
        apart = CIoU._angle(true).minus(CIoU._angle(own))
        pi = 4 * np.arctan(0 * union.v + 1)
        v = apart.times(apart).times(_constant(4 / pi**2))
        alpha = _constant(v.v).over(_constant(iou + v.v + eps))
        return DIoU._penalty(own, true, union, iou, eps).plus(alpha.times(v))
