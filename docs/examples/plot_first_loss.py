"""
A loss, its gradient, and a step downhill
=========================================

A line through the origin has one parameter, its slope. The loss says how bad each slope
is, its gradient which way is down, and gradient descent takes the steps.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

rng = np.random.default_rng(0)
hours = rng.uniform(0, 10, 30)
points = 7 * hours + rng.normal(0, 6, 30)

# %%
# The cost is the mean loss over the samples. The chain rule turns the gradient by the
# predictions, which is what a loss gives, into the gradient by the slope:
# each prediction is ``slope * hours``, so its derivative by the slope is ``hours``.

slope, rate, path = 1.0, 0.008, []
for _ in range(8):
    cost, by_prediction = fl.mse.value_and_grad(points, slope * hours)
    path.append((slope, cost))
    slope -= rate * (by_prediction @ hours)

print(f"slope {slope:.2f} after 8 steps, cost {fl.mse(points, slope * hours):.1f}")

# %%
# On the left the line before each step, on the right the cost of every slope. Steps are
# long where the curve is steep and short near the bottom, where the gradient is small.

slopes = np.linspace(0, 13, 200)
costs = [fl.mse(points, each * hours) for each in slopes]
steps = np.array(path)

figure, (data, curve) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
data.scatter(hours, points, color="0.4", s=20)
shades = plt.colormaps["viridis"](np.linspace(0, 0.9, len(path)))
for (each, _), shade in zip(path, shades, strict=True):
    data.plot([0, 10], [0, 10 * each], color=shade)
data.set(xlabel="hours of practice", ylabel="points", title="a line before each step")
curve.plot(slopes, costs, color="0.6")
curve.plot(steps[:, 0], steps[:, 1], color="0.6", linewidth=0.8, linestyle=":")
curve.scatter(steps[:, 0], steps[:, 1], color=shades, zorder=3)
curve.set(
    xlabel="slope (points per hour)",
    ylabel="mean squared error (points²)",
    title="the cost of every slope",
)
plt.show()
