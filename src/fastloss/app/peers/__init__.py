"""Formulas in the words of other libraries, for `fastloss bench` and benchmarks/."""
