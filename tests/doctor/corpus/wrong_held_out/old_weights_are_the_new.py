# causes: aliased-buffer
import numpy as np

def make_data(seed=4):
    r = np.random.RandomState(seed)
    A = r.randn(300, 5)
    true_w = np.array([1.5, -2.0, 0.7, 3.0, -1.0])
    t = A.dot(true_w) + 4.0 + r.randn(300) * 0.1
    return A, t

def fit(A, t, eta=0.02, tol=1e-6, max_epochs=2000):
    w = np.zeros(5)
    b = np.zeros(1)
    epoch = 0
    converged = False
    while not converged and epoch < max_epochs:
        w_old = w
        b_old = b
        residual = A.dot(w) + b - t
        w -= eta * A.T.dot(residual) / len(t)
        b -= eta * residual.mean()
        change = np.abs(w - w_old).max() + np.abs(b - b_old).max()
        if change < tol:
            converged = True
        if epoch % 100 == 0:
            print('epoch', epoch, 'rmse', np.sqrt(np.mean(residual ** 2)))
        epoch += 1
    print('stopped after', epoch, 'epochs, converged =', converged)
    return w, b

A, t = make_data()
w, b = fit(A, t)
print('weights', np.round(w, 3), 'bias', np.round(b, 3))
print('final rmse', np.sqrt(np.mean((A.dot(w) + b - t) ** 2)))
