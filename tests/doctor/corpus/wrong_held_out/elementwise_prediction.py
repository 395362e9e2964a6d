# causes: elementwise-for-matmul
import numpy as np

# Predict exam score from hours studied and hours slept
hours = np.array([
    [2.0, 9.0], [1.0, 5.0], [5.0, 6.0], [6.0, 8.0], [3.5, 7.0], [8.0, 5.5],
    [4.0, 4.0], [7.0, 7.5], [0.5, 8.0], [9.0, 6.0], [2.5, 4.5], [6.5, 9.0],
])
score = (6.0 * hours[:, 0] + 3.0 * hours[:, 1] + 10).reshape(-1, 1)

x = (hours - hours.mean(axis=0)) / hours.std(axis=0)
y = score / 100

w = np.zeros(2)
b = 0.0
lr = 0.1

for epoch in range(500):
    y_hat = x * w + b
    error = y_hat - y
    loss = np.mean(error ** 2)
    dw = 2 * np.mean(error * x, axis=0)
    db = 2 * np.mean(error)
    w = w - lr * dw
    b = b - lr * db
    if epoch % 50 == 0:
        print(f'Epoch {epoch}, Loss {loss:.6f}')

print('w =', w, 'b =', b)
print('loss =', loss, '  variance of y =', np.var(y))
