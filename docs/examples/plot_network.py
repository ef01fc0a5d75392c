"""
A two-layer network, three losses, three optimizers
===================================================

A network in plain NumPy that reads handwritten digits. The loss is the only part that
changes between the runs: it gives the cost and the gradient by the outputs, and the
chain rule does the rest.
"""

# sphinx_gallery_thumbnail_number = 1

# network: begin
import numpy as np

import fastloss as fl
from fastloss.app.demo import load_digits


def new_network(inputs, hidden, outputs):
    rng = np.random.default_rng(0)
    first = rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden))
    second = rng.normal(0, np.sqrt(1 / hidden), (hidden, outputs))
    return [first, np.zeros(hidden), second, np.zeros(outputs)]


def forward(network, x):
    w1, b1, w2, b2 = network
    hidden = np.maximum(x @ w1 + b1, 0)
    return hidden, hidden @ w2 + b2


def backward(network, x, hidden, by_output):
    by_hidden = (by_output @ network[2].T) * (hidden > 0)
    first = [x.T @ by_hidden, by_hidden.sum(0)]
    return [*first, hidden.T @ by_output, by_output.sum(0)]


def sgd(gradient, memory, t):
    return 0.05 * gradient


def momentum(gradient, memory, t):
    memory["v"] = 0.9 * memory.get("v", 0) + gradient
    return 0.01 * memory["v"]


def adam(gradient, memory, t):
    memory["m"] = 0.9 * memory.get("m", 0) + 0.1 * gradient
    memory["s"] = 0.999 * memory.get("s", 0) + 0.001 * gradient**2
    mean = memory["m"] / (1 - 0.9**t)
    square = memory["s"] / (1 - 0.999**t)
    return 0.002 * mean / (np.sqrt(square) + 1e-8)


def train(loss, x, y, optimizer, epochs=20, batch=64):
    rng, network = np.random.default_rng(0), new_network(64, 32, 10)
    costs, t = [], 0
    memories = [{} for _ in network]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - batch + 1, batch):
            rows, t = order[start : start + batch], t + 1
            hidden, output = forward(network, x[rows])
            cost, by_output = loss.value_and_grad(y[rows], output)
            parts = backward(network, x[rows], hidden, by_output / batch)
            for i, gradient in enumerate(parts):
                network[i] -= optimizer(gradient, memories[i], t)
            costs.append(cost / batch)
    return network, costs


# network: end

# %%
# The same labels in the three forms that the losses want: integers, one-hot rows, and
# signs. ``reduction="sum"`` adds up the ten outputs of a sample, as the softmax does by
# itself, so that one learning rate suits all three.

images, digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits))
x, digits = images.reshape(-1, 64)[order] / 16, digits[order]
one_hot = np.eye(10)[digits]
tasks = {
    "softmax cross-entropy": (
        fl.SparseCategoricalCrossentropy(from_logits=True, reduction="sum"),
        digits,
    ),
    "squared error": (fl.MeanSquaredError(reduction="sum"), one_hot),
    "squared hinge": (fl.SquaredHinge(reduction="sum"), 2 * one_hot - 1),
}
held_out = 450
runs, accuracy = {}, {}
for name, (loss, y) in tasks.items():
    for optimizer in (sgd, momentum, adam):
        network, costs = train(loss, x[held_out:], y[held_out:], optimizer)
        guess = forward(network, x[:held_out])[1].argmax(axis=1)
        runs[name, optimizer.__name__] = costs
        accuracy[name, optimizer.__name__] = np.mean(guess == digits[:held_out])

for (name, optimizer), share in accuracy.items():
    print(f"{name:<22} {optimizer:<9} {100 * share:.1f} % of 450 new digits right")

# %%
# The curves side by side, each the mean of ten steps. Costs of different losses have
# different scales: compare the shapes across the panels, and numbers within one only.
# The shares are those of the new digits that are read right.

import matplotlib.pyplot as plt
from matplotlib.ticker import LogLocator, NullFormatter

figure, panels = plt.subplots(1, 3, figsize=(8, 3.8), layout="constrained")
for panel, name in zip(panels, tasks, strict=True):
    for optimizer in ("sgd", "momentum", "adam"):
        costs = np.array(runs[name, optimizer])
        smooth = costs[: len(costs) // 10 * 10].reshape(-1, 10).mean(axis=1)
        share = 100 * accuracy[name, optimizer]
        label = f"{optimizer}: {share:.0f} %"
        panel.plot(10 * np.arange(len(smooth)) + 5, smooth, label=label)
    panel.set(yscale="log", xlabel="step", title=name)
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.legend(fontsize="small", loc="upper right")
panels[0].set_ylabel("cost per sample")
plt.show()
