"""A chart of one row of a run: the time of each peer, the quickest first."""

import workloads
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from tinygrad_bp.training.curves import svg_text

OURS, OTHERS = "#0072B2", "#8A8A8A"
NAMES = {
    "c_hand": "C, written by hand",
    "numpy_hand": "NumPy, written by hand",
    "numba_hand": "Numba, written by hand",
    "tinygrad_bp": "tinygrad_bp",
    "tinygrad_bp_compiled": "tinygrad_bp, tg.compile",
    "torch_eager": "PyTorch",
    "torch_compile": "PyTorch, torch.compile",
    "jax_eager": "JAX",
    "jax_jit": "JAX, jax.jit",
    "hips_autograd": "HIPS/autograd",
    "mygrad_eager": "MyGrad",
    "tinygrad_eager": "tinygrad",
    "tinygrad_jit": "tinygrad, TinyJit",
    "micrograd_scalar": "micrograd",
}


TITLES = {"mlp2551": "A training step of a 2-5-5-1 network, {n} samples, one core"}


def bars(name, cells):
    """Return the chart of one row, its name and cells, as SVG; the axis is logarithmic."""
    work = workloads.WORK[name]
    title = TITLES.get(work.function, name).format(n=work.n)
    times = sorted((cell["time"] * 1e6, peer) for peer, cell in cells.items() if cell.get("time"))
    figure = Figure(figsize=(7.0, 0.9 + 0.28 * len(times)), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis="x", color="#E5E5E5", linewidth=0.8)
    for place, (time, peer) in enumerate(times):
        colour = OURS if peer.startswith("tinygrad_bp") else OTHERS
        axes.plot(time, place, "o", color=colour, markersize=8)
        label = f"{time:,.0f}" if time >= 10 else f"{time:.1f}"
        axes.annotate(label, (time, place), (9, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(times)), [NAMES.get(peer, peer) for _, peer in times])
    axes.set(xscale="log", xlabel="microseconds a step (logarithmic)", title=title)
    axes.set_xlim(times[0][0] / 2, times[-1][0] * 3)
    axes.set_ylim(len(times) - 0.4, -0.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return svg_text(figure)
