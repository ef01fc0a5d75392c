"""What is said where a library is missing that a module of ours is for."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["require"]


def _numbers(text: str) -> tuple[int, ...]:
    """Of "2.13.0+cpu": (2, 13)."""
    return tuple(int(part) for part in text.split(".")[:2])


def require(
    package: str, least: str, module: str | None = None, extra: str | None = None
) -> None:
    """Raise unless a package is installed that is new enough.

    Parameters
    ----------
    package : str
        Its name for pip.
    least : str
        The oldest version that will do, as "2.4".
    module : str, optional
        Ours that needs it; ``fastloss.<package>`` if not given.
    extra : str, optional
        Ours that installs it.

    Raises
    ------
    ImportError
        With what to install.
    """
    ours = module or f"fastloss.{package}"
    what = f"{package}>={least}" if extra is None else f"fastloss[{extra}]"
    try:
        found = version(package)
    except PackageNotFoundError:
        raise ImportError(
            f"{ours} needs {package}, which is not installed: pip install '{what}'"
        ) from None
    if _numbers(found) < _numbers(least):
        raise ImportError(
            f"{ours} needs {package} {least} or newer, not {found}: "
            f"pip install '{what}'"
        )
