"""A linear support vector machine whose labels are 0 and 1."""

import numpy as np

import fastloss as fl

random = np.random.default_rng(11)
X = random.normal(size=(300, 4))
y_true = (X @ [1.0, 2.0, -1.0, 0.5] > 0).astype(int)

loss = fl.hinge
w = np.zeros(4)
history = []
for _ in range(100):
    y_pred = X @ w
    margin = 1 - y_true * y_pred
    history.append(np.mean(np.maximum(0, margin)))
    w -= 0.1 * X.T @ np.where(margin > 0, -y_true, 0) / len(X)
