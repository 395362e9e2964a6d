# causes: none
import numpy as np
import tinygrad_bp as tg
rng=np.random.default_rng(1)
X=rng.normal(size=(200,2)); t=(X.sum(1)>0)*1.0
W=tg.tensor(rng.normal(size=(2,1))*.1,requires_grad=True,name="W")
b=tg.tensor(np.zeros(1),requires_grad=True)
lr=0.5
def forward(X): return tg.sigmoid(X@W+b)
for step in range(300):
    p=forward(X)[:,0]
    loss=-np.mean(t*np.log(p+1e-9)+(1-t)*np.log(1-p+1e-9))
    loss.backward()
    with tg.no_grad():
        W-=lr*W.grad
        b-=lr*b.grad
    W.zero_grad()
    b.zero_grad()
print(loss.item(), ((forward(X).numpy()[:,0]>.5)==t).mean())
