"""tinygrad with TinyJit around the whole unit: captured at the second call, replayed from then."""

from functools import partial

from tinygrad import TinyJit

from . import tinygrad_eager as eager

WHY, version = eager.WHY, eager.version
mlp2551, mlp784, chain, deep, hvp, wide = (
    partial(f, wrap=TinyJit)
    for f in (eager.mlp2551, eager.mlp784, eager.chain, eager.deep, eager.hvp, eager.wide)
)


def train_loop(d):
    run = eager.train_loop(d, TinyJit)
    for _ in range(3):  # the capture belongs to the compiling, not to the loop
        run.step()
    return run
