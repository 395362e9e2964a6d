# causes: loss-misreported
import numpy as np

# Q: "why is my loss negative / going up and down around zero?"
np.random.seed(19)
x = np.random.rand(100, 3)
true_w = np.array([1.5, -2.0, 0.5])
t = x @ true_w + 0.3 + 0.05 * np.random.randn(100)

w = np.random.randn(3)
c = 0.0

def update(w, c, x_i, t_i, lr):
    p = np.dot(w, x_i) + c
    e = p - t_i
    return w - lr * e * x_i, c - lr * e, e

for epoch in range(40):
    loss = 0
    for i in np.random.permutation(len(x)):
        w, c, e = update(w, c, x[i], t[i], 0.1)
        loss += e
    print("Epoch", epoch, "Loss:", loss / len(x))
print(w, c)
