"""
Four trainings that go wrong
============================

Four things that happen to everybody, each provoked, shown and mended.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

rng = np.random.default_rng(0)


def descend(loss, X, y, rate, steps=200, start=None):
    """Gradient descent on a linear model; the cost before each step."""
    weights = np.zeros(X.shape[1]) if start is None else start.copy()
    costs = []
    for _ in range(steps):
        cost, by_prediction = loss.value_and_grad(y, X @ weights)
        costs.append(cost)
        weights -= rate * (X.T @ by_prediction)
    return weights, costs


# %%
# The values are too high
# -----------------------
# Prices of flats, in euros. The cost is in squared euros, ten digits long, and stays
# there: is that bad? ``loss.initial(y)`` is the best constant prediction, and its cost
# is the one to beat. Here the features have scales that differ a hundredfold, so that
# the only learning rate that does not diverge is far too small for the others.

area = rng.uniform(20, 150, 200)  # m²
rooms = np.clip(np.round(area / 30 + rng.normal(0, 0.7, 200)), 1, 6)
price = 3000 * area + 20000 * rooms + rng.normal(0, 20000, 200)
X = np.column_stack([area, rooms, np.ones(200)])
best_constant = fl.mse(price, np.full(200, fl.mse.initial(price)))
print(f"cost of the best constant: {best_constant:.3g} euros²")

_, raw = descend(fl.mse, X, price, rate=1e-4)
scaled = np.column_stack(
    [(X[:, :2] - X[:, :2].mean(0)) / X[:, :2].std(0), np.ones(200)]
)
target = (price - price.mean()) / price.std()
_, standard = descend(fl.mse, scaled, target, rate=0.1)

figure, panel = plt.subplots(figsize=(7, 4), layout="constrained")
panel.plot(np.array(raw) / best_constant, label="as it comes")
panel.plot(standard, label="features and labels standardised")
panel.axhline(1, color="0.4", linestyle="--", label="best constant prediction")
panel.set(
    yscale="log",
    xlabel="step",
    ylabel="cost, relative to the best constant",
    title="large numbers: look at the scale first",
)
panel.legend(fontsize="small")
plt.show()

# %%
# The cost does not go down
# -------------------------
# On the left the learning rate: too small and nothing happens, too large and each step
# overshoots. On the right a sigmoid too many: the model returns probabilities, and the
# loss, told that they are logits, applies another sigmoid. The probability that it sees
# is never more than sigmoid(1) = 0.73, and the cost stays above 0.31 for every positive
# sample and 0.69 for every negative one.

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
for rate in (0.001, 0.1, 0.58):
    _, costs = descend(fl.mse, scaled, target, rate, steps=60)
    left.plot(costs, label=f"learning rate {rate}")
left.set(yscale="log", xlabel="step", ylabel="cost", title="the learning rate")
left.legend(fontsize="small")

points = rng.normal(size=(300, 3))
yes = points @ [4, -4, 2] + rng.logistic(size=300) > 0
logits = fl.BinaryCrossentropy(from_logits=True)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


weights, twice = np.zeros(3), []
for _ in range(200):
    p = sigmoid(points @ weights)
    cost, by_p = logits.value_and_grad(yes, p)  # wrong: p is no logit
    twice.append(cost)
    weights -= 2 * points.T @ (by_p * p * (1 - p))
_, once = descend(logits, points, yes, rate=2)
print(fl.diagnose(logits, yes, sigmoid(points @ weights), history=twice))
right.plot(twice, label="probabilities given as logits")
right.plot(once, label="logits given as logits")
right.set(xlabel="step", ylim=(0, 0.8), title="one sigmoid too many")
right.legend(fontsize="small")
plt.show()

# %%
# The cost goes down and the model gets worse
# -------------------------------------------
# Twenty samples and a polynomial of degree 15: the training cost falls for ever, the
# cost of samples that were held out turns. Stop where that is least, use fewer
# parameters or more data, or keep the weights small.


def powers(x):
    return np.polynomial.chebyshev.chebvander(x, 15)


x, held_x = rng.uniform(-1, 1, 20), rng.uniform(-1, 1, 200)
y, held_y = (np.sin(3 * v) + rng.normal(0, 0.3, v.size) for v in (x, held_x))
weights, seen, unseen = np.zeros(16), [], []
for _ in range(3000):
    cost, by_prediction = fl.mse.value_and_grad(y, powers(x) @ weights)
    seen.append(cost)
    unseen.append(fl.mse(held_y, powers(held_x) @ weights))
    weights -= 0.1 * (powers(x).T @ by_prediction)
best = int(np.argmin(unseen))
print(f"least cost of held-out samples {unseen[best]:.3f} at step {best}")

figure, panel = plt.subplots(figsize=(7, 4), layout="constrained")
panel.plot(seen, label="training samples")
panel.plot(unseen, label="held-out samples")
panel.axvline(best, color="0.4", linestyle="--", label=f"stop here: step {best}")
panel.set(xscale="log", yscale="log", xlabel="step", ylabel="cost", title="overfitting")
panel.legend(fontsize="small")
plt.show()

# %%
# The cost is NaN
# ---------------
# The textbook formula in float32 takes the logarithm of 1 - p, which is 0 as soon as
# the sigmoid rounds to 1, at a logit of 17; and 0 times that infinity is NaN for the
# samples that are right. On logits there is nothing to round.

logit = np.linspace(-30, 30, 601, dtype=np.float32)
with np.errstate(all="ignore"):
    p = 1 / (1 + np.exp(-logit))
    one = -(1 * np.log(p) + (1 - 1) * np.log(1 - p))
    zero = -(0 * np.log(p) + (1 - 0) * np.log(1 - p))
exact = logits(np.zeros_like(logit), logit, reduction="none")
print("first logit with a NaN for the label 1:", logit[np.isnan(one)].min().round(1))

figure, panel = plt.subplots(figsize=(7, 4), layout="constrained")
panel.plot(logit, exact, linewidth=5, alpha=0.35, label="fastloss, from logits")
panel.plot(logit, zero, color="C3", label="textbook formula")
end = logit[np.isfinite(zero)].max()
panel.axvspan(end, 30, color="C3", alpha=0.12, label="textbook: infinite, or NaN")
panel.set(
    xlabel="logit of a sample with the label 0",
    ylabel="binary cross-entropy (float32)",
    title="where 1 - sigmoid(logit) rounds to 0",
)
panel.legend(fontsize="small", loc="upper left")
plt.show()

# %%
# One bad number is enough: the mean of anything and NaN is NaN. With
# ``reduction="none"`` the culprit has an index.

labels = np.array([1.0, 2.0, np.nan, 4.0])
values = fl.mse(labels, np.zeros(4), reduction="none")
print("cost", values.mean(), "because of sample", np.flatnonzero(np.isnan(values)))
