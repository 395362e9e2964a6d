# causes: bias-axis
import numpy as np
class DeepNN:
    def __init__(self, dims):
        np.random.seed(58)
        self.L = len(dims) - 1
        self.p = {}
        for l in range(1, self.L + 1):
            self.p['W%d' % l] = np.random.randn(dims[l], dims[l-1]) / np.sqrt(dims[l-1])
            self.p['b%d' % l] = np.zeros((dims[l], 1))
    def fwd(self, X):
        self.c = {'A0': X}
        for l in range(1, self.L + 1):
            Z = self.p['W%d' % l] @ self.c['A%d' % (l-1)] + self.p['b%d' % l]
            self.c['A%d' % l] = 1/(1+np.exp(-Z)) if l == self.L else np.maximum(0, Z)
        return self.c['A%d' % self.L]
    def bwd(self, Y):
        m = Y.shape[1]; g = {}
        dZ = self.c['A%d' % self.L] - Y
        for l in range(self.L, 0, -1):
            g['W%d' % l] = dZ @ self.c['A%d' % (l-1)].T / m
            g['b%d' % l] = np.mean(dZ, axis=0).reshape(1, -1)[:, :1]
            if l > 1:
                dZ = (self.p['W%d' % l].T @ dZ) * (self.c['A%d' % (l-1)] > 0)
        return g
    def fit(self, X, Y, it=500, a=.3):
        for i in range(it):
            AL = self.fwd(X)
            g = self.bwd(Y)
            for k in self.p: self.p[k] = self.p[k] - a * g[k]
            if i % 100 == 0: print('Cost', i, -np.mean(Y*np.log(AL+1e-12)+(1-Y)*np.log(1-AL+1e-12)))
rng = np.random.RandomState(9)
X = rng.randn(2, 120); Y = ((X[0]**2 + X[1]) > .5).astype(float)[None]
DeepNN([2, 8, 4, 1]).fit(X, Y)
