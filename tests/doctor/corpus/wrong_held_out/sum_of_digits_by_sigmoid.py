# causes: target-out-of-range
import numpy as np
# learn y = x1 + x2 with a sigmoid network
np.random.seed(6)
X = np.random.randint(0, 10, (100, 2)) / 10.0
y = (X[:, 0] + X[:, 1]).reshape(-1, 1) * 10   # 0 .. 18

def sigmoid(x): return 1 / (1 + np.exp(-x))

w_h = np.random.uniform(-1, 1, (2, 5))
b_h = np.zeros((1, 5))
w_o = np.random.uniform(-1, 1, (5, 1))
b_o = np.zeros((1, 1))
for epoch in range(1000):
    hidden = sigmoid(X @ w_h + b_h)
    output = sigmoid(hidden @ w_o + b_o)
    error = y - output
    d_output = error * output * (1 - output)
    d_hidden = d_output.dot(w_o.T) * hidden * (1 - hidden)
    w_o += hidden.T.dot(d_output) * 0.01
    b_o += d_output.sum(axis=0, keepdims=True) * 0.01
    w_h += X.T.dot(d_hidden) * 0.01
    b_h += d_hidden.sum(axis=0, keepdims=True) * 0.01
    if epoch % 200 == 0:
        print("error", np.mean(np.abs(error)))
print("0.3 + 0.4 ->", output[0], "should be", y[0])
