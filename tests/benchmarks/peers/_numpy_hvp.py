"""The Hessian-vector product of `numpy_hand`, in the layout of `_numpy_nets`."""

import numpy as np

from ._numpy_nets import add, dot, flat_of, like, mul, sigmoid, slope, sub, unflat


def hvp(d):
    """Pearlmutter's R-operator: R{f} is the derivative of f when the parameters move along v."""
    n, (P, layers), vector = d.n, flat_of(d.params, np.float64), flat_of(d.vec, np.float64)[1]
    (H, out), (S, more) = like(P, layers), like(P, layers)
    X, Y, saved = np.vstack([d.x.T, np.ones((1, n))]), np.ascontiguousarray(d.y.T), _Saved(n)
    forward = _hvp_forward(layers, vector, X, Y, saved)
    backward = _hvp_backward(layers, vector, X, saved, out, more)

    def step():
        forward()
        backward()
        add(H, S, H)
        mul(H, 1.0 / n, H)

    step.result = lambda: {"hv": unflat(out)}
    return step


class _Saved:
    """What the forward half of `hvp` leaves to the backward half, for n samples."""

    def __init__(self, n):
        self.A1, self.A2 = np.ones((6, n)), np.ones((6, n))
        self.R1, self.R2 = np.zeros((6, n)), np.zeros((6, n))  # R{ones} = 0
        self.s1, self.s2 = np.empty((5, n)), np.empty((5, n))  # slopes of the sigmoids
        self.d3, self.r3 = np.empty((1, n)), np.empty((1, n))  # cotangent of z, and R of it


def _hvp_forward(layers, vector, X, Y, saved):
    (W1, W2, W3), (V1, V2, V3) = layers, vector
    A1, A2, R1, R2, s1, s2 = saved.A1, saved.A2, saved.R1, saved.R2, saved.s1, saved.s2
    A1v, A2v, R1v, R2v, d3, r3 = A1[:5], A2[:5], R1[:5], R2[:5], saved.d3, saved.r3
    T, t = np.empty_like(s1), np.empty_like(d3)

    def run():
        dot(W1, X, A1v)
        sigmoid(A1v, 1.0)
        slope(A1v, 1.0, s1)
        dot(V1, X, R1v)
        mul(R1v, s1, R1v)
        dot(W2, A1, A2v)
        sigmoid(A2v, 1.0)
        slope(A2v, 1.0, s2)
        dot(V2, A1, R2v)
        dot(W2, R1, T)
        add(R2v, T, R2v)
        mul(R2v, s2, R2v)
        dot(W3, A2, d3)
        sigmoid(d3, 1.0)
        dot(V3, A2, r3)
        dot(W3, R2, t)
        add(r3, t, r3)
        slope(d3, 1.0, t)
        mul(r3, t, r3)
        sub(d3, Y, d3)

    return run


def _curve(a, r, d, e, t):
    """Add to e the cotangent d by R of the slope of a sigmoid: (1 - 2 a) R{a} d."""
    mul(a, -2.0, t)
    add(t, 1.0, t)
    mul(t, r, t)
    mul(t, d, t)
    add(e, t, e)


def _hvp_backward(layers, vector, X, saved, out, more):
    """The two terms of the product rule, H = out + more; the first layer has but one."""
    (_, W2, W3), (_, V2, V3), (H1, H2, H3), (_, S2, S3) = layers, vector, out, more
    W2t, W3t, V2t, V3t = (M[:, :5].T for M in (W2, W3, V2, V3))
    A1, A2, R1, R2, s1, s2 = saved.A1, saved.A2, saved.R1, saved.R2, saved.s1, saved.s2
    A1v, A2v, R1v, R2v, d3, r3 = A1[:5], A2[:5], R1[:5], R2[:5], saved.d3, saved.r3
    A1t, A2t, R1t, R2t, Xt = A1.T, A2.T, R1.T, R2.T, X.T
    D1, D2, E1, E2, T = (np.empty_like(s1) for _ in range(5))

    def run():
        dot(r3, A2t, H3)
        dot(d3, R2t, S3)
        mul(W3t, d3, D2)
        mul(V3t, d3, E2)
        mul(W3t, r3, T)
        add(E2, T, E2)
        mul(E2, s2, E2)
        _curve(A2v, R2v, D2, E2, T)
        mul(D2, s2, D2)
        dot(E2, A1t, H2)
        dot(D2, R1t, S2)
        dot(W2t, D2, D1)
        dot(V2t, D2, E1)
        dot(W2t, E2, T)
        add(E1, T, E1)
        mul(E1, s1, E1)
        _curve(A1v, R1v, D1, E1, T)
        dot(E1, Xt, H1)

    return run
