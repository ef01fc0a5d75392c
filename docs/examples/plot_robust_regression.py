"""
Regression with outliers
========================

One label in ten is wrong. The squared error pays any price to be near those, and misses
all the others; the robust losses do not.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

rng = np.random.default_rng(1)
x = np.sort(rng.uniform(-1, 1, 80))
truth = 2.0 * x + 0.5
y = truth + rng.normal(0, 0.2, x.size)
wrong = (rng.random(x.size) < 0.2) & (x > 0)
y[wrong] -= 5

# %%
# Each line is fitted by gradient descent in the metric of ``X.T @ X``, which needs no
# learning rate, since the curvature of these losses is 1 at most. Tukey's loss can have
# several minima: it starts from Huber's line.

X = np.column_stack([x, np.ones_like(x)])
metric = np.linalg.inv(X.T @ X)


def fit(loss, start):
    line = start.copy()
    for _ in range(300):
        line -= metric @ (X.T @ loss.grad(y, X @ line, reduction="sum"))
    return line


sigma = 0.2
lines = {"squared error": fit(fl.half_squared_error, np.zeros(2))}
lines["Huber"] = fit(fl.Huber(delta=1.345 * sigma), np.zeros(2))
lines["log-cosh"] = fit(fl.log_cosh, np.zeros(2))
lines["Tukey"] = fit(fl.Tukey(c=4.685 * sigma), lines["Huber"])

for name, line in lines.items():
    off = fl.mae(truth, X @ line)
    print(f"{name:<14} slope {line[0]:5.2f}  mean distance from the truth {off:.3f}")

# %%
# The truth has the slope 2. The scale of a robust loss is a number of the noise: here
# 1.345 and 4.685 of its standard deviations, which keep 95 % of the efficiency of least
# squares if there are no outliers. Log-cosh has its bend at 1, whatever the noise.

figure, (data, pull) = plt.subplots(
    1, 2, figsize=(8, 4.2), layout="constrained", width_ratios=[3, 2]
)
data.scatter(x[~wrong], y[~wrong], s=18, color="0.5", label="labels")
data.scatter(x[wrong], y[wrong], s=30, color="black", marker="x", label="wrong labels")
for name, line in lines.items():
    data.plot(x, X @ line, label=name, linewidth=2)
data.set(xlabel="x", ylabel="y", title="the fitted lines")
data.legend(fontsize="small")

error = np.linspace(-2, 2, 201)
zero = np.zeros_like(error)
for name, loss in {
    "squared error": fl.half_squared_error,
    "Huber": fl.Huber(delta=1.345 * sigma),
    "log-cosh": fl.log_cosh,
    "Tukey": fl.Tukey(c=4.685 * sigma),
}.items():
    pull.plot(error, loss.grad(zero, error, reduction="sum"), label=name, linewidth=2)
pull.set(
    xlabel="prediction - label",
    ylabel="gradient of one sample",
    title="how hard an error pulls",
    ylim=(-1.2, 1.2),
)
plt.show()
