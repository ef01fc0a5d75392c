"""Losses of rows of classes."""

from fastloss.reference.multiclass.crossentropies import *
from fastloss.reference.multiclass.distributions import *
from fastloss.reference.multiclass.margins import *
