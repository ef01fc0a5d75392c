"""A page for each public function, class and module that is no loss."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import docstrings
import measured
from loss_pages import write
from sphinx.application import Sphinx

import fastloss as fl

FOLDER = Path(__file__).resolve().parent.parent / "api"

#: Modules with functions of their own that need no other library to be imported.
MODULES = ("plot", "math", "scipy", "xgboost", "lightgbm", "catboost")

_TITLES = {
    "Parameters": "Parameters",
    "Attributes": "Attributes",
    "Returns": "Returns",
    "Yields": "Yields",
    "Raises": "Raises",
    "Warns": "Warns",
    "Notes": "Notes",
    "References": "References",
    "Examples": "Examples",
}


def public() -> dict[str, Any]:
    """What the package exports besides losses and modules."""
    names = {name: getattr(fl, name) for name in fl.__all__}
    return {name: of for name, of in names.items() if not _elsewhere(of)}


def _elsewhere(of: Any) -> bool:
    if isinstance(of, type) and issubclass(of, fl.Loss):
        return of is not fl.Loss
    return isinstance(of, fl.Loss | ModuleType)


def _body(of: Any, level: int) -> str:
    said = docstrings.sections(of)
    parts = [said.get("Summary", ""), said.get("Extended Summary", "")]
    for name, title in _TITLES.items():
        if name in said:
            parts += [f"{'#' * level} {title}\n", said[name]]
    return "\n".join(parts)


def _entry(name: str, of: Any, module: str) -> str:
    """The directive that other pages and sites refer to."""
    if not callable(of):
        return docstrings.fenced("py:data", f"{module}.{name}")
    kind = "py:class" if isinstance(of, type) else "py:function"
    try:
        called = docstrings.signature(of)
    except (TypeError, ValueError):
        called = ""
    return docstrings.fenced(kind, f"{module}.{name}{called}")


def _methods(of: type) -> str:
    parts = []
    for name, method in vars(of).items():
        if name.startswith("_") or not inspect.getdoc(method):
            continue
        if inspect.isfunction(method):
            head = f"{of.__name__}.{name}{docstrings.signature(method)}"
            parts.append(_member("py:method", head, method))
        elif isinstance(method, property):
            parts.append(_member("py:property", f"{of.__name__}.{name}", method))
    return "## Methods\n\n" + "\n".join(parts) if parts else ""


def _member(kind: str, head: str, of: Any) -> str:
    return f"{docstrings.fenced(kind, f'fastloss.{head}', docstrings.summary(of))}"


def page(name: str, of: Any) -> str:
    """The page of a function or class."""
    if not callable(of):
        return f"# {name}\n\n{_entry(name, of, 'fastloss')}\n{_about(name)}"
    methods = _methods(of) if of is fl.Loss else ""
    return f"# {name}\n\n{_entry(name, of, 'fastloss')}\n{_body(of, 2)}\n{methods}"


def _about(name: str) -> str:
    return {
        "LOSSES": "Losses by name: `fl.LOSSES['huber']` is `fl.huber`.\n",
        "REGISTRY": "The kernels, a [`Row`](/api/Row.md) each.\n",
    }[name]


def module_page(module: ModuleType) -> str:
    """The page of a module: its functions one after the other."""
    said = docstrings.sections(module)
    short = module.__name__
    parts = [f"# {short}\n", said.get("Summary", ""), said.get("Extended Summary", "")]
    for name in module.__all__:
        of = getattr(module, name)
        if callable(of):
            parts += [f"## {name}\n", _entry(name, of, short), _body(of, 3)]
    return "\n".join(parts)


def _pages() -> dict[str, str]:
    pages = {name: page(name, of) for name, of in public().items()}
    for name in MODULES:
        pages[name] = module_page(import_module(f"fastloss.{name}"))
    return pages


def _write(app: Sphinx) -> None:
    write(FOLDER, _pages())


def _listed(app: Sphinx, docname: str, source: list[str]) -> None:
    if docname != "api":
        return
    rows = []
    for name, of in public().items():
        said = docstrings.summary(of) if callable(of) else _about(name).strip()
        rows.append((f"[`{name}`](/api/{name}.md)", said.replace("|", "\\|")))
    for name in MODULES:
        module = import_module(f"fastloss.{name}")
        said = docstrings.summary(module)
        rows.append((f"[`{module.__name__}`](/api/{name}.md)", said))
    pages = "\n".join(f"api/{name}" for name in (*public(), *MODULES))
    listed = measured.table(("name", "what it does"), rows)
    toctree = docstrings.fenced("toctree", "", pages, ":hidden:")
    source[0] += f"\n{listed}\n{toctree}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("builder-inited", _write)
    app.connect("source-read", _listed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
