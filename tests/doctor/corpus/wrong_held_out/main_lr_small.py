# causes: step-too-small
import numpy as np
LEARNING_RATE = 0.00001
N_EPOCHS = 500
def make_data(n=300):
    rng = np.random.default_rng(21)
    X = rng.normal(size=(n, 4))
    return X, X @ np.array([2., -1., 0.5, 3.]) + 4 + 0.1 * rng.normal(size=n)
def train(X, y):
    w, b = np.zeros(4), 0.0
    for epoch in range(N_EPOCHS):
        diff = X @ w + b - y
        w = w - LEARNING_RATE * 2 * X.T @ diff / len(y)
        b = b - LEARNING_RATE * 2 * diff.mean()
        if epoch % 50 == 0:
            print("mse", np.mean(diff ** 2))
    return w, b
if __name__ == "__main__":
    print(train(*make_data()))
