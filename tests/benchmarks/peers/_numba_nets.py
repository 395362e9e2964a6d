"""The networks of `numba_hand`: loops over samples, compiled.

A constant of the data's own type (`one`, `lr`) goes along where float32 must stay float32.
"""

import math

import numpy as np
from numba import njit

jit = njit(fastmath=True, error_model="numpy", cache=False)
# left to LLVM, these stay calls, and the loops are a third slower
inlined = njit(fastmath=True, error_model="numpy", cache=False, inline="always")


@inlined
def _forward(x0, x1, W1, b1, W2, b2, W3, b3, one, a1, a2):
    """One sample: the activations into a1 and a2; returns the logit."""
    for j in range(5):
        a1[j] = one / (one + math.exp(-(W1[0, j] * x0 + W1[1, j] * x1 + b1[j])))
    z = b3[0]
    for j in range(5):
        t = b2[j]
        for k in range(5):
            t += W2[k, j] * a1[k]
        a2[j] = one / (one + math.exp(-t))
        z += W3[j, 0] * a2[j]
    return z


@inlined
def _backward(x0, x1, d3, W2, W3, G1, g1, G2, g2, G3, g3, one, a1, a2, d2):
    """One sample: from the derivative in the logit, add to the gradients."""
    g3[0] += d3
    for j in range(5):
        G3[j, 0] += a2[j] * d3
        d2[j] = W3[j, 0] * d3 * a2[j] * (one - a2[j])
        g2[j] += d2[j]
    for k in range(5):
        t = one - one
        for j in range(5):
            G2[k, j] += a1[k] * d2[j]
            t += W2[k, j] * d2[j]
        t *= a1[k] * (one - a1[k])
        g1[k] += t
        G1[0, k] += x0 * t
        G1[1, k] += x1 * t


@jit
def mlp2551(x, y, W1, b1, W2, b2, W3, b3, G1, g1, G2, g2, G3, g3, lr, steps, one, work):
    """`steps` training steps; returns the loss before the last update."""
    zero, a1, a2, d2 = one - one, work[0], work[1], work[2]
    loss = 0.0
    for _ in range(steps):
        for G in (G1, G2, G3):
            G[:] = zero
        for g in (g1, g2, g3):
            g[:] = zero
        loss = 0.0
        for i in range(x.shape[0]):
            z = _forward(x[i, 0], x[i, 1], W1, b1, W2, b2, W3, b3, one, a1, a2)
            e = math.exp(-abs(z))
            r = one / (one + e)
            loss += max(z, zero) - z * y[i, 0] + math.log(one + e)
            d3 = (r if z >= zero else e * r) - y[i, 0]
            _backward(x[i, 0], x[i, 1], d3, W2, W3, G1, g1, G2, g2, G3, g3, one, a1, a2, d2)
        for j in range(5):
            for k in range(2):
                W1[k, j] -= lr * G1[k, j]
            for k in range(5):
                W2[k, j] -= lr * G2[k, j]
            W3[j, 0] -= lr * G3[j, 0]
            b1[j] -= lr * g1[j]
            b2[j] -= lr * g2[j]
        b3[0] -= lr * g3[0]
    return loss / x.shape[0]


@jit
def _bias_relu(H, b, zero):
    for i in range(H.shape[0]):
        for j in range(H.shape[1]):
            H[i, j] = max(H[i, j] + b[j], zero)


@jit
def _mask(D, H, zero):
    for i in range(D.shape[0]):
        for j in range(D.shape[1]):
            D[i, j] = D[i, j] if H[i, j] > zero else zero


@jit
def _subtract_rows(b, D):
    for i in range(D.shape[0]):
        for j in range(D.shape[1]):
            b[j] -= D[i, j]


@jit
def _cross_entropy(z, b, labels, lr):
    """The summed loss; z becomes its derivative in the logits times lr."""
    loss = 0.0
    for i in range(z.shape[0]):
        top = z[i, 0] + b[0]
        for j in range(z.shape[1]):
            z[i, j] += b[j]
            top = max(top, z[i, j])
        s = lr - lr
        picked = z[i, labels[i]] - top
        for j in range(z.shape[1]):
            z[i, j] = math.exp(z[i, j] - top)
            s += z[i, j]
        loss += math.log(s) - picked
        for j in range(z.shape[1]):
            z[i, j] *= lr / s
        z[i, labels[i]] -= lr
    return loss


@jit
def mlp784(x, xt, labels, W1, b1, W2, b2, W3, b3, H1, H2, z, D1, D2, G1, G2, G3, lr):
    zero = lr - lr
    np.dot(x, W1, H1)
    _bias_relu(H1, b1, zero)
    np.dot(H1, W2, H2)
    _bias_relu(H2, b2, zero)
    np.dot(H2, W3, z)
    loss = _cross_entropy(z, b3, labels, lr)
    np.dot(H2.T, z, G3)
    np.dot(z, W3.T, D2)
    _mask(D2, H2, zero)
    np.dot(H1.T, D2, G2)
    np.dot(D2, W2.T, D1)
    _mask(D1, H1, zero)
    np.dot(xt, D1, G1)
    W1 -= G1
    W2 -= G2
    W3 -= G3
    _subtract_rows(b3, z)
    _subtract_rows(b2, D2)
    _subtract_rows(b1, D1)
    return loss / x.shape[0]


@inlined
def _hvp_forward(x0, x1, W1, b1, W2, b2, W3, b3, V1, c1, V2, c2, V3, c3, a1, a2, r1, r2):
    """One sample: activations and their derivatives along the vector; returns those of z."""
    for j in range(5):
        a = 1.0 / (1.0 + math.exp(-(W1[0, j] * x0 + W1[1, j] * x1 + b1[j])))
        a1[j] = a
        r1[j] = a * (1.0 - a) * (V1[0, j] * x0 + V1[1, j] * x1 + c1[j])
    z, r = b3[0], c3[0]
    for j in range(5):
        t, u = b2[j], c2[j]
        for k in range(5):
            t += W2[k, j] * a1[k]
            u += V2[k, j] * a1[k] + W2[k, j] * r1[k]
        a = 1.0 / (1.0 + math.exp(-t))
        a2[j] = a
        r2[j] = a * (1.0 - a) * u
        z += W3[j, 0] * a
        r += V3[j, 0] * a + W3[j, 0] * r2[j]
    return z, r


@inlined
def _hvp_backward(x0, x1, d3, e3, W2, W3, V2, V3, H1, h1, H2, h2, H3, a1, a2, r1, r2, d2, e2):
    """One sample: from d3, the derivative in z, and e3, its own along the vector, add to H."""
    for j in range(5):
        a = a2[j]
        s, g = a * (1.0 - a), W3[j, 0] * d3
        H3[j, 0] += a * e3 + r2[j] * d3
        d2[j] = g * s
        e2[j] = (V3[j, 0] * d3 + W3[j, 0] * e3) * s + g * (1.0 - 2.0 * a) * r2[j]
        h2[j] += e2[j]
    for k in range(5):
        a, g, e = a1[k], 0.0, 0.0
        for j in range(5):
            H2[k, j] += a * e2[j] + r1[k] * d2[j]
            g += W2[k, j] * d2[j]
            e += V2[k, j] * d2[j] + W2[k, j] * e2[j]
        e = e * a * (1.0 - a) + g * (1.0 - 2.0 * a) * r1[k]
        h1[k] += e
        H1[0, k] += x0 * e
        H1[1, k] += x1 * e


@jit
def hvp(x, y, W1, b1, W2, b2, W3, b3, V1, c1, V2, c2, V3, c3, H1, h1, H2, h2, H3, h3, w):
    """Pearlmutter's product, forward derivative of the reverse pass, sample by sample."""
    n = x.shape[0]
    a1, a2, r1, r2, d2, e2 = w[0], w[1], w[2], w[3], w[4], w[5]
    for H in (H1, H2, H3):
        H[:] = 0.0
    for h in (h1, h2, h3):
        h[:] = 0.0
    for i in range(n):
        x0, x1 = x[i, 0], x[i, 1]
        z, r = _hvp_forward(x0, x1, W1, b1, W2, b2, W3, b3, V1, c1, V2, c2, V3, c3, a1, a2, r1, r2)
        p = 1.0 / (1.0 + math.exp(-z))
        d3, e3 = (p - y[i, 0]) / n, p * (1.0 - p) * r / n
        h3[0] += e3
        _hvp_backward(x0, x1, d3, e3, W2, W3, V2, V3, H1, h1, H2, h2, H3, a1, a2, r1, r2, d2, e2)
