# causes: none
import numpy as np, tinygrad_bp as tg
from tinygrad_bp import nn, optim
rng=np.random.default_rng(2)
X=rng.normal(size=(256,5)); X-=X.mean(0)
enc=nn.Linear(5,2,rng=0); dec=nn.Linear(2,5,rng=1)
o=optim.Adam([*enc.parameters(),*dec.parameters()],0.02)
for e in range(200):
    o.zero_grad(); r=dec(np.tanh(enc(X))); l=np.mean((r-X)**2); l.backward(); o.step()
print(l.item())
