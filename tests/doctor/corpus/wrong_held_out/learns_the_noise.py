# causes: overfitting
import numpy as np

rng = np.random.default_rng(40)
X = rng.normal(size=(140, 30))
y = (X[:, 0] + 0.9 * rng.normal(size=140) > 0).astype(float).reshape(-1, 1)
X_train, y_train = X[:40], y[:40]
X_val, y_val = X[40:], y[40:]

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def bce(p, y):
    p = np.clip(p, 1e-9, 1 - 1e-9)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

W1 = rng.normal(0, 0.2, (30, 64)); b1 = np.zeros(64)
W2 = rng.normal(0, 0.15, (64, 1)); b2 = np.zeros(1)
train_losses, val_losses = [], []
for epoch in range(800):
    h = np.tanh(X_train @ W1 + b1)
    p = sigmoid(h @ W2 + b2)
    d2 = (p - y_train) / len(X_train)
    d1 = d2 @ W2.T * (1 - h ** 2)
    W2 -= 0.5 * h.T @ d2; b2 -= 0.5 * d2.sum(0)
    W1 -= 0.5 * X_train.T @ d1; b1 -= 0.5 * d1.sum(0)
    train_losses.append(bce(p, y_train))
    val_p = sigmoid(np.tanh(X_val @ W1 + b1) @ W2 + b2)
    val_losses.append(bce(val_p, y_val))
    if epoch % 80 == 0:
        print(f"epoch {epoch} train {train_losses[-1]:.3f} val {val_losses[-1]:.3f}")
