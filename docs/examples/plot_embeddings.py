"""
Embeddings: what is alike lies together
=======================================

A triplet is an anchor, a positive of the same class and a negative of another. The loss
asks that the positive be nearer by a margin. Trained on nine hundred handwritten
digits, a small network puts digits it has never seen beside their kin.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl
from fastloss.app.demo import load_digits

rng = np.random.default_rng(0)
images, digits = load_digits()
order = rng.permutation(len(digits))
x, digits = images.reshape(-1, 64)[order] / 16 - 0.3, digits[order]
train, new = slice(0, 900), slice(900, None)

# %%
# The network has one hidden layer and two outputs, the place in the plane. All three
# arrays of a triplet go through it, and all three have a gradient.

parts = [rng.normal(0, 0.18, (64, 64)), np.zeros(64), rng.normal(0, 0.2, (64, 2))]


def embed(rows):
    hidden = np.maximum(rows @ parts[0] + parts[1], 0)
    return hidden, hidden @ parts[2]


by_class = [np.flatnonzero(digits[train] == digit) for digit in range(10)]
memory = [[np.zeros_like(part), np.zeros_like(part)] for part in parts]
loss, steps = fl.Triplet(margin=1.0), 500
for t in range(1, steps + 1):
    anchor = rng.integers(0, 900, 128)
    same = np.array([rng.choice(by_class[digit]) for digit in digits[anchor]])
    other = rng.integers(0, 900, (128, 6))
    at = embed(x[train])[1]
    far = np.linalg.norm(at[other] - at[anchor][:, None], axis=2)
    far[digits[other] == digits[anchor][:, None]] = np.inf
    negative = other[np.arange(128), far.argmin(axis=1)]  # the nearest of six
    rows = np.concatenate([anchor, same, negative])
    hidden, places = embed(x[rows])
    cost, gradients = loss.value_and_grad(*np.split(places, 3))
    by_place = np.concatenate(gradients)
    by_hidden = (by_place @ parts[2].T) * (hidden > 0)
    by_part = [x[rows].T @ by_hidden, by_hidden.sum(axis=0), hidden.T @ by_place]
    for part, g, (m, s) in zip(parts, by_part, memory, strict=True):
        m += 0.1 * (g - m)
        s += 0.001 * (g**2 - s)
        step = (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
        part -= 0.01 * (1 - t / steps) * step

# %%
# How good is it? The nearest of the known digits names a new one, in the two dimensions
# of the embedding and in the first two principal components.


def nearest_is_right(known, unknown):
    distance = np.linalg.norm(unknown[:, None] - known[None], axis=2)
    return np.mean(digits[train][distance.argmin(axis=1)] == digits[new])


centred = x - x[train].mean(axis=0)
components = np.linalg.svd(centred[train], full_matrices=False)[2][:2]
planes = {
    "principal components": centred @ components.T,
    "triplet loss": embed(x)[1],
}
figure, panels = plt.subplots(1, 2, figsize=(8, 4.8), layout="constrained")
for panel, (name, places) in zip(panels, planes.items(), strict=True):
    share = nearest_is_right(places[train], places[new])
    print(f"{name}: the nearest neighbour is right for {share:.0%} of the new digits")
    for digit in range(10):
        of_digit = places[new][digits[new] == digit]
        panel.scatter(*of_digit.T, s=6, color=f"C{digit}")
        panel.text(
            *np.median(of_digit, axis=0),
            str(digit),
            fontsize=13,
            weight="bold",
            ha="center",
            va="center",
            bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": f"C{digit}"},
        )
    panel.set(title=f"{name}: {share:.0%} right", xticks=[], yticks=[])
plt.show()
