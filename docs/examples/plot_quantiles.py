"""
Intervals from quantiles
========================

A model that minimises the quantile loss of level 0.9 is above nine labels in ten. Three
levels make a median with an interval around it, and nothing is assumed of the noise.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

rng = np.random.default_rng(0)


def sample(count):
    x = rng.uniform(0, 10, count)
    return x, np.sin(x) + 0.1 * x * rng.standard_exponential(count)


x, y = sample(1500)
new_x, new_y = sample(5000)

# %%
# The noise grows to the right and has a long tail upwards. The model is linear in the
# values of some bumps; Adam minimises each loss on its own.

centres = np.linspace(0, 10, 12)


def features(x):
    bumps = np.exp(-((x[:, None] - centres) ** 2) / 0.8)
    return np.column_stack([bumps, np.ones_like(x), x / 10])


def fit(loss, steps=1500):
    X, weights = features(x), np.zeros(len(centres) + 2)
    mean = square = np.zeros_like(weights)
    for t in range(1, steps + 1):
        gradient = X.T @ loss.grad(y, X @ weights)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        size = 0.05 * (1 - t / steps)
        weights -= size * (mean / (1 - 0.9**t)) / np.sqrt(square / (1 - 0.999**t))
    return weights


levels = (0.05, 0.5, 0.95)
fits = {q: fit(fl.Quantile(q=q, delta=0.01)) for q in levels}

# %%
# How many new labels are below each curve? The usual interval, the mean and 1.645
# standard deviations to both sides, has the same width everywhere and is wrong at both
# ends. The interval score punishes width and misses; less is better.

for q in levels:
    below = np.mean(new_y < features(new_x) @ fits[q])
    print(f"level {q:4.0%}: {below:5.1%} of the new labels are below the curve")

low, high = features(new_x) @ fits[0.05], features(new_x) @ fits[0.95]
least_squares = fit(fl.mse)
width = 1.645 * np.std(y - features(x) @ least_squares)
middle = features(new_x) @ least_squares
score = fl.IntervalScore(alpha=0.1)
print(f"interval score: quantiles {score(new_y, (low, high)):.2f}, ", end="")
print(f"constant width {score(new_y, (middle - width, middle + width)):.2f}")

# %%
grid = np.linspace(0, 10, 300)
curves = {q: features(grid) @ weights for q, weights in fits.items()}
figure, panel = plt.subplots(figsize=(8, 4.5), layout="constrained")
panel.scatter(x, y, s=5, color="0.6", label="labels")
panel.fill_between(
    grid, curves[0.05], curves[0.95], alpha=0.25, label="90 % interval, by quantiles"
)
panel.plot(grid, curves[0.5], linewidth=2, label="median")
constant = features(grid) @ least_squares
for sign in (-1, 1):
    panel.plot(
        grid,
        constant + sign * width,
        color="black",
        linestyle="--",
        linewidth=1,
        label="mean ± 1.645 deviations" if sign > 0 else None,
    )
panel.set(xlabel="x", ylabel="y")
panel.legend(fontsize="small", loc="upper left")
plt.show()
