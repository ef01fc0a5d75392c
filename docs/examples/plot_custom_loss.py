"""
A loss of your own
==================

Too few loaves and customers leave; too many and some are thrown away. The cost of a
forecast is what you say it is: write it in NumPy, and it has a gradient.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

# %%
# LINEX, linear to one side and exponential to the other: a missing loaf costs more than
# one that is left over, and five missing ones much more than five times as much.


@fl.custom
def linex(y_true, y_pred, *, a=0.5):
    missing = a * (y_true - y_pred)
    return np.exp(missing) - missing - 1


print("value:   ", linex.formula)
print("gradient:", linex.gradient_formula)

# %%
# It is an object like every other loss, with parameters that a call can change.

value, gradient = linex.value_and_grad([20.0, 20.0], [18.0, 22.0], reduction="none")
print("two missing, two left over:", value.round(3))

# %%
# A straight line through the sales of past days, fitted with each loss. LINEX stays on
# the safe side, by as much as the scatter of the sales demands.

rng = np.random.default_rng(0)
warmth = rng.uniform(0, 30, 120)
sales = 60 - warmth + rng.normal(0, 4, 120)
X = np.column_stack([np.ones_like(warmth), (warmth - 15) / 10])


def fit(loss, **parameters):
    line, mean, square = np.array([45.0, 0.0]), np.zeros(2), np.zeros(2)
    for t in range(1, 2001):
        g = X.T @ loss.grad(sales, X @ line, **parameters)
        mean, square = 0.9 * mean + 0.1 * g, 0.99 * square + 0.01 * g**2
        line -= 0.05 * (mean / (1 - 0.9**t)) / np.sqrt(square / (1 - 0.99**t))
    return line


lines = {"squared error": fit(fl.mse)}
lines |= {f"LINEX, a = {a}": fit(linex, a=a) for a in (0.2, 0.5)}
for name, line in lines.items():
    short = np.mean(sales > X @ line)
    print(f"{name:<15} too few on {short:.0%} of the days")

# %%
figure, (costs, data) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
error = np.linspace(-8, 8, 200)
zero = np.zeros_like(error)
costs.plot(error, fl.mse(zero, error, reduction="none") / 8, label="squared error / 8")
for a in (0.2, 0.5):
    costs.plot(
        error, linex(zero, error, a=a, reduction="none"), label=f"LINEX, a = {a}"
    )
costs.axvline(0, color="0.7", linewidth=0.8)
costs.set(
    xlabel="baked - sold out at (loaves)",
    ylabel="cost",
    ylim=(0, 8),
    title="left: too few, right: too many",
)
costs.legend(fontsize="small")
data.scatter(warmth, sales, s=12, color="0.6")
order = np.argsort(warmth)
for name, line in lines.items():
    data.plot(warmth[order], (X @ line)[order], label=name, linewidth=2)
data.set(xlabel="temperature (°C)", ylabel="loaves wanted", title="what is baked")
data.legend(fontsize="small")
plt.show()
