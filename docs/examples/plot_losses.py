"""
Losses compared
===============

What a loss does to a model is in two curves: its value, which says how much an error
costs, and its gradient, which says how hard the error pulls.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

# %%
# Regression
# ----------
# The pull of the squared error grows without end, so a gross error outvotes everybody.
# Huber's and log-cosh stop growing, Tukey's lets go altogether.

error = np.linspace(-5, 5, 401)
losses = {
    "squared error / 2": fl.half_squared_error,
    "absolute error": fl.mae,
    "Huber, delta 1": fl.huber,
    "log-cosh": fl.log_cosh,
    "Tukey, c 3": fl.Tukey(c=3.0),
}


def draw(losses, label, at, axis_label, top=5, slopes=(-3, 3)):
    _, panels = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    labels = np.full_like(at, label)
    for number, (name, loss) in enumerate(losses.items()):
        style = ("-", "--")[number % 2]
        value = loss(labels, at, reduction="none")
        gradient = loss.grad(labels, at, reduction="sum")
        panels[0].plot(at, value, style, label=name)
        panels[1].plot(at, gradient, style, label=name)
    panels[0].set(xlabel=axis_label, ylabel="value", ylim=(-0.04 * top, top))
    panels[1].set(xlabel=axis_label, ylabel="gradient", ylim=slopes)
    panels[0].legend(fontsize="small")
    for panel in panels:
        panel.axhline(0, color="0.7", linewidth=0.8, zorder=0)
        panel.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    plt.show()


draw(losses, 0.0, error, "prediction - label")

# %%
# Two classes
# -----------
# The label is the positive class, the prediction a raw score: above 0 it is right. The
# hinges want a margin of 1 and then nothing more, the cross-entropy is never content,
# and the exponential loss is the hardest on what is wrong.

score = np.linspace(-3, 4, 401)
draw(
    {
        "hinge": fl.hinge,
        "squared hinge": fl.squared_hinge,
        "cross-entropy (logits)": fl.BinaryCrossentropy(from_logits=True),
        "modified Huber": fl.modified_huber,
        "exponential": fl.exponential,
    },
    1.0,
    score,
    "score of a sample of the positive class",
    top=10,
    slopes=(-6, 1),
)

# %%
# Probabilities
# -------------
# The same label, and a probability as the prediction. The logarithm punishes a sure
# mistake without bound; the Brier score, a squared error, at most with 1; the focal
# loss hardly looks at what is right already.

probability = np.linspace(0.002, 0.998, 400)
draw(
    {
        "cross-entropy": fl.bce,
        "focal, gamma 2": fl.Focal(gamma=2.0, alpha=None, from_logits=False),
        "Brier score": fl.brier,
    },
    1.0,
    probability,
    "predicted probability of the right class",
    slopes=(-6, 1),
)
