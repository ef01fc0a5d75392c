"""The asv suite: fastloss against its NumPy reference."""
