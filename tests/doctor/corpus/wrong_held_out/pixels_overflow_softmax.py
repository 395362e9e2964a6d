# causes: softmax-shift
import numpy as np
from sklearn.datasets import load_digits

data = load_digits()
x = data.data[:600]         # pixel values 0..16
t = data.target[:600]
np.random.seed(2)
W = np.random.randn(64, 10)
b = np.zeros(10)

def softmax(z):
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)

def accuracy(x, t):
    return np.mean(np.argmax(x @ W + b, axis=1) == t)

lr = 1.0
for step in range(150):
    probs = softmax(x @ W + b)
    loss = -np.mean(np.log(probs[np.arange(len(t)), t] + 1e-10))
    grad = probs.copy()
    grad[np.arange(len(t)), t] -= 1
    grad /= len(t)
    W -= lr * x.T @ grad
    b -= lr * grad.sum(axis=0)
    if step % 30 == 0:
        print("step", step, "loss", loss, "acc", accuracy(x, t))
