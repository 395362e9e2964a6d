# causes: metric-never-reset
import numpy as np
from tinygrad_bp import nn, optim, data
import tinygrad_bp as tg
from sklearn.datasets import load_digits

digits = load_digits()
X = digits.data[:600] / 16.0
y = digits.target[:600]

rng = np.random.default_rng(2)
model = nn.Sequential(nn.Linear(64, 24, rng=rng), nn.ReLU(), nn.Linear(24, 10, rng=rng))
opt = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
correct = 0
running_loss = 0.0
for epoch in range(8):
    order = rng.permutation(600)
    for k in range(0, 600, 50):
        xb, yb = X[order[k:k + 50]], y[order[k:k + 50]]
        opt.zero_grad()
        out = model(xb)
        loss = nn.cross_entropy(out, yb)
        loss.backward()
        opt.step()
        correct += np.sum(np.argmax(out.numpy(), axis=1) == yb)
        running_loss += loss.item()
    print(f"Epoch {epoch + 1}: loss {running_loss / 12:.3f} accuracy {100 * correct / 600:.1f}%")
