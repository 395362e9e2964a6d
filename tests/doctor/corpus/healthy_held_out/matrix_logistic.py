# causes: none
import numpy as np

def load():
    rnd = np.random.RandomState(4)
    pts = rnd.randn(100, 2) * [1, 3] + [0, 7]
    lab = (pts[:, 1] - 7 > 2 * pts[:, 0]).astype(int)
    return np.c_[np.ones(100), pts].tolist(), lab.tolist()

def sigmoid(inX):
    return 1.0 / (1 + np.exp(-inX))

def gradAscent(dataMatIn, classLabels):
    dataMatrix = np.mat(dataMatIn) if hasattr(np, "mat") else np.asmatrix(dataMatIn)
    labelMat = np.asmatrix(classLabels).transpose()
    m, n = np.shape(dataMatrix)
    alpha = 0.001
    maxCycles = 500
    weights = np.asmatrix(np.ones((n, 1)))
    for k in range(maxCycles):
        h = sigmoid(dataMatrix * weights)
        error = labelMat - h
        weights = weights + alpha * dataMatrix.transpose() * error
    return weights

X, t = load()
w = gradAscent(X, t)
print(w.ravel(), np.mean((np.asarray(np.asmatrix(X) * w).ravel() > 0) == t))
