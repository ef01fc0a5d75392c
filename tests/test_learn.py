"""The pages of the course and the examples of the gallery do what they say."""

from __future__ import annotations

import ast
import doctest
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastloss as fl

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs/learn").glob("*.md"))
EXAMPLES = sorted((ROOT / "docs/examples").glob("plot_*.py"))
CASES = json.loads((Path(__file__).parent / "data/tutorial_cases.json").read_text())


def examples_of(page: Path) -> doctest.DocTest:
    """The Python blocks of a page, as one session."""
    blocks = re.findall(
        r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    parser = doctest.DocTestParser()
    return parser.get_doctest("\n".join(blocks), {}, page.name, str(page), 0)


LESSONS = [page for page in PAGES if examples_of(page).examples]


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_page_runs(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every block; errors with their whole message."""
    test = examples_of(page)
    result = doctest.DocTestRunner().run(test)
    assert result.failed == 0, capsys.readouterr().out
    assert len(test.examples) >= 7


def numbers_of_the_pages() -> Iterator[tuple[str, float]]:
    for page in LESSONS:
        for example in examples_of(page).examples:
            if re.fullmatch(r"-?\d+\.\d+", example.want.strip()):
                yield example.source, float(example.want)


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["loss"])
def test_every_case_of_the_tutorials_is_shown(case: dict[str, Any]) -> None:
    """With the name of the tutorials, and its decimal value to 15 digits."""
    name = case["loss"]
    call = "mean_absolute(" if name.startswith("custom") else f"fl.{name}("
    shown = [number for source, number in numbers_of_the_pages() if call in source]
    expected = float(case["expected"])
    assert any(abs(number - expected) <= 2e-15 for number in shown), (call, shown)


def test_the_import_that_does_not_exist_is_explained() -> None:
    text = (ROOT / "docs/learn/regression.md").read_text("utf-8")
    assert "from sklearn.metrics import huber_loss" in text


def network() -> str:
    """The part of the example that the lesson shows."""
    text = (ROOT / "docs/examples/plot_network.py").read_text("utf-8")
    return text.split("# network: begin\n")[1].split("# network: end\n")[0]


def test_the_network_has_less_than_sixty_lines_and_learns() -> None:
    source = network()
    assert len([line for line in source.splitlines() if line.strip()]) < 60
    names: dict[str, Any] = {}
    exec(source, names)
    images, digits = names["load_digits"]()
    x = images.reshape(-1, 64) / 16
    loss = fl.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    for optimizer in ("sgd", "momentum", "adam"):
        trained, costs = names["train"](loss, x, digits, names[optimizer], epochs=8)
        right = names["forward"](trained, x)[1].argmax(axis=1) == digits
        assert abs(costs[0] - np.log(10)) < 0.3  # no opinion at first
        assert np.mean(right) > (0.7 if optimizer == "sgd" else 0.9), optimizer


def test_the_network_has_the_gradient_of_its_cost() -> None:
    names: dict[str, Any] = {}
    exec(network(), names)
    rng = np.random.default_rng(1)
    parts = names["new_network"](5, 4, 3)
    x, y = rng.normal(size=(7, 5)), rng.integers(0, 3, 7)
    loss = fl.SparseCategoricalCrossentropy(from_logits=True)

    def cost() -> float:
        value: float = loss(y, names["forward"](parts, x)[1])
        return value

    hidden, output = names["forward"](parts, x)
    gradients = names["backward"](parts, x, hidden, loss.grad(y, output))
    for part, gradient in zip(parts, gradients, strict=True):
        index = tuple(rng.integers(0, n) for n in part.shape)
        here = part[index]
        part[index] = here + 1e-6
        up = cost()
        part[index] = here - 1e-6
        down = cost()
        part[index] = here
        assert abs((up - down) / 2e-6 - gradient[index]) < 1e-8


def test_every_loss_of_the_guide_is_in_one_chart() -> None:
    tree = ast.parse((ROOT / "docs/examples/plot_choosing.py").read_text("utf-8"))
    calls = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    charts = [
        [ast.literal_eval(argument) for argument in call.args[1:]]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "chart"
    ]
    assert len(charts) == 3
    for row in fl.guide():
        holding = [words for words in charts if any(w in row.task for w in words)]
        assert len(holding) == 1, (row.loss, row.task)


def test_pictures_of_the_pages_are_those_of_examples() -> None:
    for page in PAGES:
        for name, number in re.findall(
            r"sphx_glr_(\w+)_(\d{3})\.png", page.read_text("utf-8")
        ):
            source = ROOT / f"docs/examples/{name}.py"
            assert source in EXAMPLES, (page.name, name)
            assert int(number) >= 1
        for name in re.findall(r"gallery/(plot_\w+)\)", page.read_text("utf-8")):
            assert ROOT / f"docs/examples/{name}.py" in EXAMPLES, (page.name, name)


#: What the text of an example says of its numbers.
CLAIMS = {
    "plot_custom_loss": "np.mean(sales > X @ lines['LINEX, a = 0.5']) < 0.2",
    "plot_embeddings": "share > 0.9",
    "plot_first_loss": "6.5 < slope < 7.5",
    "plot_imbalance": "abs(mean - new_y.mean()) > 0.1 and recall > 0.3",
    "plot_label_smoothing": "curves[0.0][2].mean() > curves[0.3][2].mean() + 0.2",
    "plot_network": "min(accuracy.values()) > 0.9",
    "plot_quantiles": "score(new_y, (low, high)) < "
    "score(new_y, (middle - width, middle + width))",
    "plot_ranking": "scores['ListNet'] > scores['squared error'] + 0.1",
    "plot_robust_regression": "abs(lines['Tukey'][0] - 2) < 0.1 "
    "and lines['squared error'][0] < 1",
    "plot_segmentation": "(found['Dice'] > 0.5).mean() > "
    "(found['cross-entropy'] > 0.5).mean()",
    "plot_survival": "abs(weights - truth).max() < 0.2 and abs(naive[0]) < 0.6",
    "plot_troubleshooting": "min(twice) > 0.5 and min(once) < 0.3 and best < 100 "
    "and seen[-1] < seen[best]",
}


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_keeps_its_word(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names: dict[str, Any] = {"__name__": "__main__"}
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
            exec(compile(example.read_text("utf-8"), str(example), "exec"), names)
        assert plt.get_fignums()
    finally:
        plt.close("all")
    assert eval(CLAIMS.get(example.stem, "True"), names)
