"""Logistic regression whose output goes through a sigmoid twice."""

import numpy as np

import fastloss as fl

random = np.random.default_rng(7)
X = random.normal(size=(400, 3))
y_true = (X @ [2.0, -1.0, 0.5] + 0.3 * random.normal(size=400) > 0).astype(float)

loss = fl.BinaryCrossentropy(from_logits=True)
w = np.zeros(3)
history = []
for _ in range(200):
    y_pred = 1 / (1 + np.exp(-(X @ w)))
    value, grad = loss.value_and_grad(y_true, y_pred)
    history.append(value)
    w -= 1.0 * X.T @ (grad * y_pred * (1 - y_pred))
