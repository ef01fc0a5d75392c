"""Keras' losses, computed by fastloss, on JAX, NumPy, TensorFlow and torch.

Each is a subclass of Keras' own with its name, so that signatures, defaults,
reductions, masks, sample weights and configurations are those of the Keras that is
installed: ``model.compile(loss=fastloss.keras.Huber(delta=2.0))``.

>>> import numpy
>>> import fastloss.keras
>>> loss = fastloss.keras.Huber(delta=2.0)
>>> float(loss(numpy.zeros((1, 2)), numpy.array([[1.0, 3.0]])))
2.25
>>> loss.get_config()["delta"]
2.0
"""

from __future__ import annotations

from fastloss._neighbours import neighbour

with neighbour("keras", "3.5", "3.15"):
    from fastloss.keras.losses import *
    from fastloss.keras.losses import __all__ as __all__
