# causes: wrong-operand|wrong-gradient
import numpy as np
# logistic regression with columns as samples (coursera notation)
rng = np.random.RandomState(2)
m = 120
X = rng.randn(3, m)
true_w = np.array([[2.0], [-1.0], [0.5]])
Y = (np.dot(true_w.T, X) + 0.3 > 0).astype(float)


def propagate(w, b, X, Y):
    m = X.shape[1]
    A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
    cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = 1 / m * np.sum(np.abs(X) * (A - Y), axis=1, keepdims=True)
    db = 1 / m * np.sum(A - Y)
    return {"dw": dw, "db": db}, cost


def optimize(w, b, X, Y, num_iterations, learning_rate):
    costs = []
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w - learning_rate * grads["dw"]
        b = b - learning_rate * grads["db"]
        if i % 100 == 0:
            costs.append(cost)
            print("Cost after iteration %i: %f" % (i, cost))
    return w, b, costs


w, b, costs = optimize(np.zeros((3, 1)), 0.0, X, Y, 600, 0.3)
P = 1 / (1 + np.exp(-(np.dot(w.T, X) + b))) > 0.5
print("train accuracy: {} %".format(100 - np.mean(np.abs(P - Y)) * 100))
