# causes: derivative-twice|squared-error-rule
import numpy as np

# simple character classifier: 5x5 bitmaps of a few letters
letters = {
    "T": "11111 00100 00100 00100 00100",
    "L": "10000 10000 10000 10000 11111",
    "X": "10001 01010 00100 01010 10001",
    "O": "01110 10001 10001 10001 01110",
    "H": "10001 10001 11111 10001 10001",
}
names = sorted(letters)
base = np.array([[float(c) for c in letters[k].replace(" ", "")] for k in names])
rs = np.random.RandomState(5)
X, Y = [], []
for k in range(40):
    for i in range(5):
        X.append(base[i] + rs.normal(0, 0.25, 25))
        Y.append(i)
X, Y = np.array(X) * 6 - 3, np.eye(5)[Y]

def softmax(z):
    z = z - np.max(z, 1)[:, None]
    return np.exp(z) / np.exp(z).sum(1)[:, None]

w = rs.uniform(-1, 1, (25, 5)) * 2
b = np.zeros(5)
lr = 0.05
for epoch in range(150):
    p = softmax(X @ w + b)
    loss = -np.sum(Y * np.log(p + 1e-15)) / len(X)
    error = p - Y
    # derivative of the softmax
    delta = error * p * (1 - p)
    w = w - lr * X.T @ delta / len(X)
    b = b - lr * delta.sum(axis=0) / len(X)
    if epoch % 15 == 0:
        print(epoch, "cross entropy", loss)
print("accuracy", np.mean(p.argmax(1) == Y.argmax(1)), "loss", loss)
