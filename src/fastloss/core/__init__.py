"""What every loss is built on: the base class, checks, the registry and the bridge."""
