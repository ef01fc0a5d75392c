"""Extensions in C and in Cython that are compiled here ask the engine by its table."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import fastloss as fl

SOURCES = Path(__file__).parent / "c_api"
COMPILER = shlex.split(sysconfig.get_config_var("CC") or "cc")


def compiled(source: Path, folder: Path, *flags: str) -> ModuleType:
    """The extension module that `source` is."""
    name = source.stem
    made = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    includes = [f"-I{sysconfig.get_path('include')}", f"-I{fl.get_include()}"]
    shared = ["-shared", "-fPIC", "-std=c11", "-Wall", "-Wextra", "-Werror"]
    ours = ["-Wno-unused-parameter", "-Wno-cast-function-type", *flags]
    command = [*COMPILER, *shared, *ours, *includes, str(source), "-o", str(made)]
    subprocess.run(command, check=True)
    spec = importlib.util.spec_from_file_location(name, made)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def extension(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    return compiled(SOURCES / "extension.c", tmp_path_factory.mktemp("c"))


def test_an_extension_in_c_has_the_same_bits(extension: ModuleType) -> None:
    random = np.random.RandomState(0)
    y, x = random.standard_normal((2, 100_000))
    grad = np.empty_like(x)
    value = extension.value_and_grad("huber", y, x, grad, 0.7)
    wanted, gradient = fl.huber.value_and_grad(y, x, delta=0.7)
    assert value == wanted
    np.testing.assert_array_equal(grad, gradient)


def test_what_is_outside_its_domain_is_told(extension: ModuleType) -> None:
    y = np.array([0.0, 1.0, 7.0])
    with pytest.raises(ValueError, match=r"number 2 is not in \[0, 1\]"):
        extension.value_and_grad("binary_crossentropy_logits", y, y.copy(), y.copy())


def test_a_job_that_lacks_something_is_refused(extension: ModuleType) -> None:
    y = np.zeros(3)
    with pytest.raises(RuntimeError, match="status 7"):  # no label, three predictions
        extension.value_and_grad("triplet", y, y, y.copy())
    with pytest.raises(LookupError, match="no loss is called hubert"):
        extension.value_and_grad("hubert", y, y, y.copy())


def test_products(extension: ModuleType) -> None:
    y, x, v, out = np.random.RandomState(1).standard_normal((4, 5000))
    assert extension.product("log_cosh", y, x, v, out) == 0
    np.testing.assert_array_equal(out, fl.log_cosh.hvp(y, x, v, reduction="sum"))
    assert extension.product("log_cosh", y, x, v, out, False) == 7  # no vector
    assert extension.product("listnet", y, x, v, out) == 7  # of groups


def test_rows_of_the_registry_can_be_read(extension: ModuleType) -> None:
    for row in fl.REGISTRY:
        assert tuple(extension.parameters(row.name).split()) == row.parameters
    assert extension.parameters("hubert") == "?"


def test_threads_ask_at_once(extension: ModuleType) -> None:
    random = np.random.RandomState(1)
    y, x = random.standard_normal((2, 50_000))
    wanted = fl.mse(y, x)
    found: list[float] = []

    def ask() -> None:
        for _ in range(20):
            grad = np.empty_like(x)
            found.append(extension.value_and_grad("mean_squared_error", y, x, grad))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 80


def test_an_extension_of_another_version_says_so(tmp_path: Path) -> None:
    header = (Path(fl.get_include()) / "fastloss.h").read_text("utf-8")
    assert "FL_API_VERSION = 1 " in header
    source = (SOURCES / "extension.c").read_text("utf-8")
    other = header.replace("FL_API_VERSION = 1 ", "FL_API_VERSION = 999 ")
    (tmp_path / "fastloss.h").write_text(other, "utf-8")
    (tmp_path / "extension.c").write_text(source, "utf-8")
    message = "version 999 of the C API of fastloss, and version 1 is installed"
    with pytest.raises(ImportError, match=message):
        compiled(tmp_path / "extension.c", tmp_path)


def test_an_extension_in_cython(tmp_path: Path) -> None:
    source = tmp_path / "cython_extension.c"
    cython = [sys.executable, "-m", "cython", "-3", "-o", str(source)]
    subprocess.run([*cython, str(SOURCES / "cython_extension.pyx")], check=True)
    lenient = ["-Wno-error", "-w"]
    module = compiled(source, tmp_path, *lenient)
    y, x = np.random.RandomState(2).standard_normal((2, 1000)).astype(np.float32)
    assert module.mean(b"log_cosh", y, x) == fl.log_cosh(y, x)
    labels = np.full(1000, 2, np.float32)
    assert module.mean(b"binary_crossentropy_logits", labels, x) == -2.0
    assert module.mean(b"no_loss", y, x) == -8.0  # FL_BAD_JOB
