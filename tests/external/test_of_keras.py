"""Keras' tests of its losses, answered by `fastloss.keras` on the chosen backend."""

from __future__ import annotations

import counting
import keras
from keras.src.losses import losses

import fastloss.keras

ALL = "configurations name all parameters"
SHARP = "1 is clipped to 1 - 1e-7 exactly: 16.12, where float32 has 15.94"
DIFFERENT = {
    "CosineSimilarityTest::test_config": ALL,
    "HuberLossTest::test_config": ALL,
    "BinaryCrossentropyTest::test_unweighted": SHARP,
    "BinaryCrossentropyTest::test_scalar_weighted": SHARP,
    "BinaryCrossentropyTest::test_sample_weighted": SHARP,
    "*::test_shape_mismatch": "an error with another message",
}
if keras.backend.backend() == "jax":
    axis = "SparseCategoricalCrossentropyTest::test_*_segmentation_different_axis"
    DIFFERENT[axis] = "classes may be on any axis, there on the last alone"

counting.replace(losses, {}, why="a function, or no class of fastloss.keras")
for name in fastloss.keras.__all__:
    ours = getattr(fastloss.keras, name)
    ours.function = staticmethod(counting.noting(counting.here, name, ours.function))
    setattr(losses, name, ours)

from keras.src.losses.losses_test import *
