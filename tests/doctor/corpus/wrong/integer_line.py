# causes: integer-array
import numpy as np
x = np.array([1, 2, 3, 4, 5])
y = np.array([3, 5, 7, 9, 11])
w = np.array([0])
b = np.array([0])
lr = 0.01
for i in range(300):
    y_hat = w * x + b
    dw = np.mean((y_hat - y) * x)
    db = np.mean(y_hat - y)
    w[0] = w[0] - lr * dw
    b[0] = b[0] - lr * db
    if i % 100 == 0:
        print(i, np.mean((y_hat - y) ** 2))
print(w, b)
