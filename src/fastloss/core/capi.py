"""Where the header of the C API is."""

from pathlib import Path

__all__: list[str] = []


def get_include() -> str:
    """The folder that C and Cython extensions include ``fastloss.h`` from.

    The header says how: `fl_import` gives a table of functions, of which `run` does a
    job without the GIL. Its version grows with every change that an extension would
    notice; an extension of another version is told so when it is imported.

    Returns
    -------
    str

    Examples
    --------
    >>> import os
    >>> import fastloss as fl
    >>> os.listdir(fl.get_include())
    ['fastloss.h']
    """
    return str(Path(__file__).resolve().parents[1] / "include")
