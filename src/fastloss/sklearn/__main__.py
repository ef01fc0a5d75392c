"""Run a program with scikit-learn patched: ``python -m fastloss.sklearn app.py``."""

import os
import runpy
import sys

from fastloss.sklearn import patch


def main() -> None:
    """Run the file, or with -m the module, that the arguments name."""
    arguments = sys.argv[1:]
    if not arguments or arguments == ["-m"]:
        raise SystemExit("usage: python -m fastloss.sklearn [-m module | file] ...")
    os.environ["FASTLOSS_PATCH"] = "sklearn"  # of processes that this one starts
    patch()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path[0] = os.path.dirname(os.path.abspath(sys.argv[0]))
        runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
