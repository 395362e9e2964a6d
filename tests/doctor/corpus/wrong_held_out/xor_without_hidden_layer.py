# causes: too-few-units
import numpy as np
X = np.array([[0,0],[0,1],[1,0],[1,1]])
Y = np.array([[0],[1],[1],[0]])
np.random.seed(5)
W = np.random.randn(2, 1); b = np.zeros(1)
def sigmoid(x): return 1/(1+np.exp(-x))
# xor with logistic regression
for i in range(5000):
    out = sigmoid(X @ W + b)
    delta = (out - Y) * out * (1 - out)
    W -= 0.5 * X.T @ delta
    b -= 0.5 * delta.sum(0)
print(out)
