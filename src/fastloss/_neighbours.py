"""What is said where a library is missing or strange that a module of ours is for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

__all__ = ["neighbour", "require"]


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


@contextmanager
def neighbour(package: str, least: str, tested: str) -> Iterator[None]:
    """Import what is built on a package, and say why that fails.

    Parameters
    ----------
    package, least : str
        As in `require`.
    tested : str
        The newest version that was tried; newer ones may do.

    Raises
    ------
    ImportError
        If the package is missing or too old, or newer and without something we need.
    """
    require(package, least)
    try:
        yield
    except (AttributeError, ImportError) as error:
        found = version(package)
        if _numbers(found) <= _numbers(tested):
            raise
        raise ImportError(
            f"fastloss.{package} knows {package} {least} to {tested}, and {found} is "
            f"another: {error}; pip install '{package}=={tested}.*'"
        ) from error
