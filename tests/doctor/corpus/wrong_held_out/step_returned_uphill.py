# causes: wrong-sign
import numpy as np
from numpy.random import RandomState

def predict(w, b, X):
    return 1 / (1 + np.exp(-(X @ w + b)))

def gradients(w, b, X, y):
    err = predict(w, b, X) - y
    return X.T @ err / len(y), err.mean()

def step(w, b, X, y, lr):
    dw, db = gradients(w, b, X, y)
    return w + lr * dw, b + lr * db

def main():
    r = RandomState(11)
    X = r.randn(150, 3)
    y = (X @ np.array([1.0, -2.0, 0.5]) + 0.3 > 0).astype(float)
    w, b = np.zeros(3), 0.0
    for it in range(300):
        w, b = step(w, b, X, y, 0.1)
        if it % 50 == 0:
            p = predict(w, b, X)
            print(it, "acc", ((p > 0.5) == y).mean())

if __name__ == "__main__":
    main()
