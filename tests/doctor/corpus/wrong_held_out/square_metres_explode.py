# causes: unscaled-inputs|step-too-large|exploding
import numpy as np

# predict price (in 1000) from square meters and rooms
data = np.array([
    [52, 2, 150], [63, 2, 178], [75, 3, 205], [81, 3, 222], [90, 3, 240],
    [98, 4, 268], [110, 4, 295], [120, 4, 320], [133, 5, 356], [150, 5, 395],
    [165, 6, 440], [178, 6, 470], [48, 1, 133], [58, 2, 165], [70, 2, 190], [140, 5, 370],
], dtype=float)
X = data[:, :2]
y = data[:, 2]
w = np.zeros(2)
b = 0.0
lr = 0.001
for it in range(300):
    y_hat = X.dot(w) + b
    error = y_hat - y
    cost = (error ** 2).mean() / 2
    w -= lr * X.T.dot(error) / len(y)
    b -= lr * error.mean()
    if it % 50 == 0:
        print("iter", it, "cost", cost)
print("w =", w, "b =", b)
