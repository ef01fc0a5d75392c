"""What an installation consists of."""

import re
import tomllib
from importlib.metadata import distribution, files, requires
from pathlib import Path

import fastloss as fl

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
INSTALLED = [Path(str(path)) for path in files("fastloss") or []]
PACKAGE = [path for path in INSTALLED if path.parts[0] == "fastloss"]


def test_version_is_that_of_the_project() -> None:
    assert fl.__version__ == PROJECT["version"]
    assert f"## {fl.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_numpy_is_the_only_requirement() -> None:
    plain = [line for line in requires("fastloss") or [] if "extra ==" not in line]
    assert plain == PROJECT["dependencies"]
    assert [re.split("[<>=]", line)[0] for line in plain] == ["numpy"]


def test_of_the_sources_one_header_is_installed() -> None:
    sources = [path for path in PACKAGE if path.suffix in {".pyx", ".pxi", ".c", ".h"}]
    assert sources == [Path("fastloss/include/fastloss.h")]


def test_every_module_its_data_and_its_types_are_installed() -> None:
    source = ROOT / "src" / "fastloss"
    wanted = {
        Path("fastloss", path.relative_to(source))
        for path in source.rglob("*")
        if path.suffix in {".py", ".pyi", ".npz", ".md"} or path.name == "py.typed"
    }
    assert wanted <= set(PACKAGE)


def test_one_extension_module() -> None:
    binaries = [path for path in PACKAGE if path.suffix in {".so", ".pyd"}]
    assert [path.name.split(".")[0] for path in binaries] == ["_bridge"]


def test_licences_are_installed() -> None:
    named = distribution("fastloss").metadata.get_all("License-File")
    assert named == PROJECT["license-files"]


def test_no_path_of_the_build_is_in_the_extension() -> None:
    (binary,) = (path for path in files("fastloss") or [] if path.suffix == ".so")
    assert str(ROOT).encode() not in Path(str(binary.locate())).read_bytes()
