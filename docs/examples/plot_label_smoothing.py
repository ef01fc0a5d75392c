"""
Label smoothing and calibration
===============================

Of the answers that a model gives with 80 % confidence four in five should be right. A
model that has learned few samples by heart is too sure; labels that are not quite 0 and
1 keep it from that.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl
from fastloss.app.demo import load_digits

rng = np.random.default_rng(0)
images, digits = load_digits()
order = rng.permutation(len(digits))
x, digits = images.reshape(-1, 64)[order] / 16 - 0.3, digits[order]
x = x + rng.normal(0, 0.45, x.shape)  # bad light
train, new = slice(0, 300), slice(300, None)


def fit(loss, steps=600):
    weights = np.zeros((64, 10))
    mean = square = np.zeros_like(weights)
    for t in range(1, steps + 1):
        g = x[train].T @ loss.grad(digits[train], x[train] @ weights)
        mean, square = 0.9 * mean + 0.1 * g, 0.99 * square + 0.01 * g**2
        step = (mean / (1 - 0.9**t)) / (np.sqrt(square / (1 - 0.99**t)) + 1e-12)
        weights = weights - 0.03 * step
    return weights


# %%
# Smoothing replaces the label 1 by 1 - s + s/10 and the others by s/10. The model is
# judged by the plain cross-entropy of the new digits, and by how far confidence and
# accuracy are apart.

plain = fl.SparseCategoricalCrossentropy(from_logits=True)
curves = {}
for smoothing in (0.0, 0.1, 0.3):
    logits = x[new] @ fit(
        fl.SparseCategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    )
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    sure, right = p.max(axis=1), p.argmax(axis=1) == digits[new]
    bins = np.minimum((sure * 8).astype(int), 7)
    share = np.bincount(bins, minlength=8) / len(bins)
    used = share > 0.01
    total = np.where(share > 0, share * len(bins), 1)
    confidence = np.bincount(bins, sure, 8) / total
    accuracy = np.bincount(bins, right, 8) / total
    apart = np.sum(share * np.abs(confidence - accuracy))
    curves[smoothing] = confidence[used], accuracy[used], sure
    print(
        f"smoothing {smoothing:.1f}: {right.mean():.1%} right, mean confidence "
        f"{sure.mean():.1%}, apart {apart:.3f}, cross-entropy "
        f"{plain(digits[new], logits):.2f}"
    )

# %%
figure, (reliability, confidence) = plt.subplots(
    1, 2, figsize=(8, 4.2), layout="constrained"
)
reliability.plot([0, 1], [0, 1], color="0.7", linestyle="--", label="calibrated")
for smoothing, (mean, share, sure) in curves.items():
    name = f"smoothing {smoothing:g}"
    reliability.plot(mean, share, "o-", label=name)
    confidence.hist(sure, np.linspace(0, 1, 26), histtype="step", lw=2, label=name)
reliability.set(
    xlabel="confidence of the answer",
    ylabel="share that is right",
    title="below the diagonal: too sure",
)
confidence.set(
    xlabel="confidence of the answer", ylabel="new digits", title="how sure it is"
)
reliability.legend(fontsize="small")
confidence.legend(fontsize="small", loc="upper left")
plt.show()
