"""
Segmentation: a small region in a large picture
===============================================

One pixel in a hundred belongs to the region. Pixel by pixel, "nothing anywhere" is
right for ninety-nine of them; the Dice loss asks for the overlap, and that would be
zero.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

rng = np.random.default_rng(2)
size = 96
rows, columns = np.mgrid[:size, :size]


def picture():
    """A bright ellipse in noise, and where it is."""
    y, x = rng.uniform(20, size - 20, 2)
    angle, wide, high = rng.uniform(0, np.pi), rng.uniform(5, 8), rng.uniform(4, 6)
    u = (columns - x) * np.cos(angle) + (rows - y) * np.sin(angle)
    v = (rows - y) * np.cos(angle) - (columns - x) * np.sin(angle)
    inside = ((u / wide) ** 2 + (v / high) ** 2 < 1).astype(float)
    return inside, 0.9 * inside + rng.normal(0, 1.9, (size, size))


def blurred(image, width):
    """The mean over a square, by sums of rows and columns."""
    kernel = np.ones(width) / width
    for _ in range(2):
        image = np.apply_along_axis(np.convolve, 0, image, kernel, "same").T
    return image


def features(image):
    layers = [image, *(blurred(image, width) for width in (3, 5, 9, 15))]
    return np.stack([np.ones_like(image), *layers], axis=-1)


pictures = [picture() for _ in range(12)]
X = np.stack([features(image) for _, image in pictures])
masks = np.stack([inside for inside, _ in pictures])
train, new = slice(0, 8), slice(8, None)
print(f"{masks.mean():.1%} of the pixels are in a region")

# %%
# A logistic model of each pixel and what is around it. Dice takes probabilities, so the
# chain rule has one factor more, the slope ``p (1 - p)`` of the sigmoid. With ``axis``
# each picture is a region of its own.

dice = fl.Dice(axis=(1, 2))
cross_entropy = fl.BinaryCrossentropy(from_logits=True)


def by_dice(logit):
    p = 1 / (1 + np.exp(-logit))
    return dice.grad(masks[train], p) * p * (1 - p)


def by_pixel(logit):
    return cross_entropy.grad(masks[train], logit)


def fit(gradient, steps=250):
    weights = np.array([-3.0, 0, 0, 0, 0, 0])
    mean = square = np.zeros(6)
    for t in range(1, steps + 1):
        g = np.einsum("nijf,nij->f", X[train], gradient(X[train] @ weights))
        mean, square = 0.9 * mean + 0.1 * g, 0.99 * square + 0.01 * g**2
        weights = weights - 0.2 * (mean / (1 - 0.9**t)) / (
            np.sqrt(square / (1 - 0.99**t)) + 1e-12
        )
    return weights


found = {
    name: 1 / (1 + np.exp(-(X[new] @ fit(gradient))))
    for name, gradient in {"cross-entropy": by_pixel, "Dice": by_dice}.items()
}
for name, p in found.items():
    hard = (p > 0.5).astype(float)
    overlap = 1 - dice(masks[new], hard)
    print(f"{name:<14} overlap {overlap:.2f}, pixels marked {hard.mean():.2%}")

# %%
figure, panels = plt.subplots(2, 4, figsize=(8, 4.4), layout="constrained")
for line, number in zip(panels, (0, 2), strict=True):
    shown = {
        "picture": pictures[8 + number][1],
        "truth": masks[new][number],
        "cross-entropy": found["cross-entropy"][number],
        "Dice": found["Dice"][number],
    }
    for panel, (name, image) in zip(line, shown.items(), strict=True):
        limits = (-3, 4) if name == "picture" else (0, 1)
        panel.imshow(image, cmap="gray", vmin=limits[0], vmax=limits[1])
        if name in found:
            panel.contour(image, [0.5], colors="C1", linewidths=1.2)
        panel.set(xticks=[], yticks=[])
        if number == 0:
            panel.set_title(name)
figure.supxlabel("brightness: probability; line: where it is a half", fontsize=10)
plt.show()
