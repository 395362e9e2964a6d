# causes: softmax-axis
import numpy as np
from tqdm import tqdm

rng = np.random.RandomState(0)
N, D, K = 150, 4, 3
centers = rng.randn(K, D) * 2
y = np.repeat(np.arange(K), N // K)
X = centers[y] + rng.randn(N, D)
T = np.eye(K)[y]

W1 = rng.randn(D, 10) * 0.3
B1 = np.zeros(10)
W2 = rng.randn(10, K) * 0.3
B2 = np.zeros(K)


def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum(axis=0)


for epoch in tqdm(range(300)):
    hidden = np.maximum(0, X @ W1 + B1)
    probs = softmax(hidden @ W2 + B2)
    loss = -np.sum(T * np.log(probs + 1e-9)) / N
    d2 = (probs - T) / N
    dW2 = hidden.T @ d2
    dB2 = d2.sum(axis=0)
    d1 = d2 @ W2.T
    d1[hidden <= 0] = 0
    dW1 = X.T @ d1
    dB1 = d1.sum(axis=0)
    W1 -= 0.5 * dW1
    B1 -= 0.5 * dB1
    W2 -= 0.5 * dW2
    B2 -= 0.5 * dB2
acc = (np.argmax(probs, axis=1) == y).mean()
print("accuracy", acc)
