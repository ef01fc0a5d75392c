"""
Ranking: only the order counts
==============================

For each query a few documents are to be sorted. A loss of single documents also tries
to explain which queries are easy; a loss of lists looks at the order within each.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastloss as fl

rng = np.random.default_rng(0)


def sample(queries):
    """Documents with two features, and how relevant each is: 0 to 3."""
    sizes = rng.integers(6, 15, queries)
    query = np.repeat(np.arange(queries), sizes)
    quality = rng.normal(size=query.size)
    offset = rng.normal(0, 3, queries)[
        query
    ]  # some queries have long texts, others not
    exact = quality + offset + rng.normal(0, 0.2, query.size)
    vague = quality + rng.normal(0, 1.5, query.size)
    relevance = np.clip(np.floor(quality + 1.3), 0, 3)
    return np.column_stack([exact, vague]), relevance, sizes


x, relevance, sizes = sample(300)
new_x, new_relevance, new_sizes = sample(300)

# %%
# The first feature tells good documents from bad ones, but only within a query, since
# its level differs from query to query. The second is comparable everywhere, and vague.


def fit(gradient, steps=400):
    weights, mean, square = np.zeros(2), np.zeros(2), np.zeros(2)
    for t in range(1, steps + 1):
        g = x.T @ gradient(x @ weights)
        mean, square = 0.9 * mean + 0.1 * g, 0.99 * square + 0.01 * g**2
        weights -= 0.03 * (mean / (1 - 0.9**t)) / np.sqrt(square / (1 - 0.99**t))
    return weights


centre = relevance.mean()
fits = {
    "squared error": fit(lambda score: fl.mse.grad(relevance - centre, score)),
    "ListNet": fit(lambda score: fl.listnet.grad(relevance, score, groups=sizes)),
    "LambdaRank": fit(lambda score: fl.lambdarank.grad(relevance, score, groups=sizes)),
}

# %%
# NDCG of the first five: 1 if the best documents come first, in their order.


def ndcg(score, k=5):
    discount, result, start = 1 / np.log2(np.arange(2, k + 2)), [], 0
    for size in new_sizes:
        gain = 2 ** new_relevance[start : start + size] - 1
        found = gain[np.argsort(-score[start : start + size])][:k]
        best = np.sort(gain)[::-1][:k]
        if best[0] > 0:
            result.append(found @ discount / (best @ discount))
        start += size
    return np.mean(result)


scores = {name: ndcg(new_x @ weights) for name, weights in fits.items()}
for name, (exact, vague) in fits.items():
    print(f"{name:<14} NDCG@5 {scores[name]:.3f}  weights {exact:.2f} and {vague:.2f}")

# %%
figure, (bars, weighed) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
names, colors = list(fits), ["C0", "C1", "C2"]
drawn = bars.barh(names, [scores[name] for name in names], color=colors)
bars.bar_label(drawn, fmt="%.2f", padding=3)
bars.set(xlabel="NDCG of the first five (best: 1)", xlim=(0, 1.1))
bars.invert_yaxis()
shares = [exact / (abs(exact) + abs(vague)) for exact, vague in fits.values()]
drawn = weighed.barh(names, shares, color=colors)
weighed.bar_label(drawn, fmt="%.2f", padding=3)
weighed.set(
    xlabel="share of the exact feature in the weights",
    xlim=(0, 1.1),
    yticks=[],
)
weighed.invert_yaxis()
plt.show()
