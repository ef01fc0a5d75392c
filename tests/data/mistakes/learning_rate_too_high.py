"""Linear regression by gradient descent whose steps are too long."""

import numpy as np

import fastloss as fl

random = np.random.default_rng(3)
X = random.normal(size=(200, 2)) * [1.0, 5.0]
y_true = X @ [3.0, -2.0] + random.normal(size=200)

loss = fl.mse
w = np.zeros(2)
history = []
for _ in range(60):
    y_pred = X @ w
    value, grad = loss.value_and_grad(y_true, y_pred)
    history.append(value)
    w -= 0.05 * X.T @ grad
