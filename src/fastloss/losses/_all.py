"""Every loss, by family and by name; who imports this imports them."""

from importlib import import_module

from fastloss.core.kinds import Registered
from fastloss.losses._names import NAMES

__all__ = ["FAMILIES", "LOSSES"]

FAMILIES = tuple(import_module(f"fastloss.losses.{family}") for family in NAMES)

LOSSES: dict[str, Registered] = {
    loss.name: loss
    for family in FAMILIES
    for loss in vars(family).values()
    if isinstance(loss, Registered)
}
