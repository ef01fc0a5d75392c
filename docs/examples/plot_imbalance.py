"""
A rare class
============

One sample in thirty is positive. Plain cross-entropy gives calibrated probabilities and
says "no" nearly always; a weight for the rare class, or the focal loss, moves the
decision.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

rng = np.random.default_rng(0)


def sample(count):
    y = rng.random(count) < 1 / 30
    x = rng.normal(0, 1, (count, 2))
    x[y] += [1.6, 1.2]
    return x, y


x, y = sample(6000)
new_x, new_y = sample(20000)


def fit(loss, steps=1500):
    X, weights = np.column_stack([x, np.ones(len(x))]), np.zeros(3)
    mean = square = np.zeros(3)
    for t in range(1, steps + 1):
        gradient = X.T @ loss.grad(y, X @ weights)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        size = 0.03 * (1 - t / steps)
        weights -= size * (mean / (1 - 0.9**t)) / np.sqrt(square / (1 - 0.999**t))
    return weights


# %%
# ``fl.suggest`` looks at the labels and says as much:

print(fl.suggest(y))

# %%
# Of the positives that are found (recall) and the alarms that are right (precision) one
# is bought with the other. The scores of the three models order the samples nearly
# alike: what the losses move is the threshold, and what they cost is calibration.

balance = np.sum(~y) / np.sum(y)
losses = {
    "cross-entropy": fl.BinaryCrossentropy(from_logits=True),
    "pos_weight": fl.BinaryCrossentropy(from_logits=True, pos_weight=balance),
    "focal": fl.Focal(gamma=2.0, alpha=0.75),
}
fits = {name: fit(loss) for name, loss in losses.items()}
print(f"{'':<14} recall  precision  mean probability ({new_y.mean():.3f} is the truth)")
for name, weights in fits.items():
    logit = new_x @ weights[:2] + weights[2]
    hit = np.sum((logit > 0) & new_y)
    recall, precision = hit / new_y.sum(), hit / np.sum(logit > 0)
    mean = np.mean(1 / (1 + np.exp(-logit)))
    print(f"{name:<14} {recall:6.2f} {precision:10.2f} {mean:10.3f}")

# %%
figure, (plane, curve) = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
plane.scatter(*x[~y].T, s=4, color="0.7", label="negative")
plane.scatter(*x[y].T, s=10, color="black", label="positive")
across = np.array([-3.5, 4.5])
for name, (a, b, c) in fits.items():
    plane.plot(across, -(a * across + c) / b, label=f"score 0, {name}", linewidth=2)
plane.set(
    xlim=(-3.5, 4.5),
    ylim=(-3.5, 5),
    xlabel="first feature",
    ylabel="second feature",
    title="where the decision is",
)
plane.legend(fontsize="small", loc="lower left")

for name, weights in fits.items():
    logit = new_x @ weights[:2] + weights[2]
    order = np.argsort(-logit)
    hits = np.cumsum(new_y[order])
    (line,) = curve.plot(
        hits / hits[-1], hits / np.arange(1, len(hits) + 1), label=name, linewidth=1.5
    )
    at = np.sum(logit > 0) - 1
    curve.plot(
        hits[at] / hits[-1], hits[at] / (at + 1), "o", color=line.get_color(), ms=9
    )
curve.set(
    xlabel="recall",
    ylabel="precision",
    ylim=(0, 1),
    title="all thresholds; dots: score 0",
)
curve.legend(fontsize="small")
plt.show()
