"""The networks of `numpy_hand`.

In the 2-5-5-1 network samples are columns and a layer is one matrix [W.T | b], applied to
activations with a row of ones: the products add the biases and sum their gradients.
"""

import os

import numpy as np

F64 = os.environ.get("BENCH_F64") == "1"  # as the reference: float32 data, computed in float64
BLOCK = int(os.environ.get("BENCH_BLOCK", "8192"))
# exp(-z) of anything above these is finite
LOWEST = {np.float64: -700, np.float32: -80}

dot, add, sub, mul = np.dot, np.add, np.subtract, np.multiply
neg, exp, rec, log, maximum = np.negative, np.exp, np.reciprocal, np.log, np.maximum


def flat_of(params, dtype):
    """[W1, b1, ...] -> one vector, and its views [W.T | b] of each layer."""
    layers = [
        np.hstack([W.T, b[:, None]]).astype(dtype)
        for W, b in zip(params[::2], params[1::2], strict=True)
    ]
    flat = np.concatenate([a.ravel() for a in layers])
    return flat, views(flat, layers)


def views(flat, like):
    out, i = [], 0
    for a in like:
        out.append(flat[i : i + a.size].reshape(a.shape))
        i += a.size
    return out


def like(flat, layers):
    """A second vector of that layout, and its views."""
    fresh = np.zeros_like(flat)
    return fresh, views(fresh, layers)


def unflat(layers):
    return [a for M in layers for a in (M[:, :-1].T.copy(), M[:, -1].copy())]


def sigmoid(a, one):
    """In place."""
    neg(a, a)
    exp(a, a)
    add(a, one, a)
    rec(a, a)


def slope(a, one, out):
    """a (1 - a): the derivative of a sigmoid, from its value."""
    sub(one, a, out)
    mul(out, a, out)


def _buffers(n, dtype):
    """Activations with their row of ones, and scratch, for n columns."""
    ones = [np.ones((6, n), dtype) for _ in range(2)]
    return (*ones, *(np.empty((k, n), dtype) for k in (1, 1, 5, 5, 5)))


def _block(layers, x, y, buffers):
    """The function that does these columns of data.

    It overwrites the gradients, times the number of columns, and returns the loss, likewise.
    """
    (W1, W2, W3), (A1, A2, z, p, D2, D1, T), total = layers, buffers, add.reduce
    one, lowest = z.dtype.type(1), z.dtype.type(LOWEST[z.dtype.type])
    X, complement = np.vstack([x, np.ones_like(y)]), np.ascontiguousarray(1 - y).ravel()
    W2t, W3t, A1v, A2v = W2[:, :5].T, W3[:, :5].T, A1[:5], A2[:5]
    Xt, A1t, A2t = X.T, A1.T, A2.T

    def block(G1, G2, G3):
        dot(W1, X, A1v)
        sigmoid(A1v, one)
        dot(W2, A1, A2v)
        sigmoid(A2v, one)
        dot(W3, A2, z)
        maximum(z, lowest, out=z)
        neg(z, p)
        exp(p, p)
        add(p, one, p)
        # BCE of sigmoid(z) is z (1-y) + log(1 + exp(-z)), and here p = 1 + exp(-z)
        loss = dot(z[0], complement)
        rec(p, p)
        sub(p, y, z)  # the derivative in z
        dot(z, A2t, G3)
        log(p, p)
        loss -= total(p[0])
        mul(W3t, z, D2)
        slope(A2v, one, T)
        mul(D2, T, D2)
        dot(D2, A1t, G2)
        dot(W2t, D2, D1)
        slope(A1v, one, T)
        mul(D1, T, D1)
        dot(D1, Xt, G1)
        return loss

    return block


def _mlp2551(d):
    """The training step, and the vector of parameters that it moves."""
    dtype = np.float64 if F64 else np.dtype(d.dtype).type
    P, layers = flat_of(d.params, dtype)
    (G, grads), (S, more) = like(P, layers), like(P, layers)
    n, last, lr = d.n, [0.0], dtype(d.lr / d.n)
    starts, shared, blocks = range(0, n, BLOCK), {}, []
    for x, y in ([a[i : i + BLOCK].T.astype(dtype, "C") for a in (d.x, d.y)] for i in starts):
        width = y.shape[1]
        if width not in shared:  # blocks of one width take turns in the same buffers
            shared[width] = _buffers(width, dtype)
        blocks.append(_block(layers, x, y, shared[width]))
    head, *tail = blocks
    G1, G2, G3 = grads

    def step():
        loss = head(G1, G2, G3)
        for block in tail:
            loss += block(*more)
            add(G, S, G)
        last[0] = loss / n
        mul(G, lr, G)
        sub(P, G, P)

    step.result = lambda: {"loss": last[0], "params": unflat(layers)}
    return step, P


def mlp2551(d):
    return _mlp2551(d)[0]


def train_loop(d):
    step, P = _mlp2551(d)
    start = P.copy()

    def run():
        P[:] = start
        for _ in range(d.steps):
            step()

    run.result = step.result
    return run


def _relu_net(params, x):
    """(forward, descend) of a 3-layer ReLU network, samples as rows.

    forward() returns the outputs, in an array that it owns. descend(dz) takes their cotangent
    times the learning rate, which makes gradients that are ready to subtract, and subtracts them.
    """
    W1, b1, W2, b2, W3, b3 = params
    zero, (H1, H2, z) = x.dtype.type(0), (np.empty((len(x), b.size), x.dtype) for b in params[1::2])

    def forward():
        dot(x, W1, H1)
        add(H1, b1, H1)
        maximum(H1, zero, out=H1)
        dot(H1, W2, H2)
        add(H2, b2, H2)
        maximum(H2, zero, out=H2)
        dot(H2, W3, z)
        add(z, b3, z)
        return z

    return forward, _relu_descent(params, x, H1, H2)


def _relu_descent(params, x, H1, H2):
    W2t, W3t, xt, H1t, H2t = params[2].T, params[4].T, x.T, H1.T, H2.T
    D1, D2 = np.empty_like(H1), np.empty_like(H2)
    M1, M2 = np.empty(H1.shape, bool), np.empty(H2.shape, bool)
    G1, g1, G2, g2, G3, g3 = grads = [*map(np.empty_like, params)]
    zero, total, greater = x.dtype.type(0), add.reduce, np.greater
    pairs = list(zip(params, grads, strict=True))

    def descend(dz):
        dot(H2t, dz, G3)
        total(dz, 0, None, g3)
        dot(dz, W3t, D2)
        greater(H2, zero, M2)
        mul(D2, M2, D2)
        dot(H1t, D2, G2)
        total(D2, 0, None, g2)
        dot(D2, W2t, D1)
        greater(H1, zero, M1)
        mul(D1, M1, D1)
        dot(xt, D1, G1)
        total(D1, 0, None, g1)
        for p, g in pairs:
            sub(p, g, p)

    return descend


def mlp784(d):
    dtype = np.float64 if F64 else np.float32
    params, n = [p.astype(dtype) for p in d.params], d.n
    forward, descend = _relu_net(params, d.x.astype(dtype))
    top, s = np.empty((n, 1), dtype), np.empty((n, 1), dtype)
    at, lr, last = np.arange(n) * 10 + d.labels, dtype(d.lr / n), [0.0]

    def step():
        z = forward()
        flat = z.reshape(-1)
        np.max(z, axis=1, keepdims=True, out=top)
        sub(z, top, z)
        picked = flat[at].sum()
        exp(z, z)
        np.sum(z, axis=1, keepdims=True, out=s)
        last[0] = (log(s).sum() - picked) / n
        mul(z, lr / s, z)
        flat[at] -= lr
        descend(z)

    step.result = lambda: {"loss": last[0], "params": params}
    return step


def scalar_mlp(d):
    """The same mathematics, vectorised: what the scalar graph would cost if it were arrays."""
    params, y, n, last = [p.copy() for p in d.params], d.y, d.n, [0.0]
    forward, descend = _relu_net(params, d.x)
    lr = 2 * d.lr / n

    def step():
        z = forward()
        sub(z, y, z)
        flat = z.ravel()
        last[0] = dot(flat, flat) / n
        mul(z, lr, z)
        descend(z)

    step.result = lambda: {"loss": last[0], "params": params}
    return step
