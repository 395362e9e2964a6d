"""Pictures of computation graphs: `graph` takes one, a `GraphView` holds it, renderers draw it."""

from __future__ import annotations

from tinygrad_bp.view.dot import RenderError
from tinygrad_bp.view.graph_view import EdgeView, GraphView, NodeView, graph

__all__ = ["EdgeView", "GraphView", "NodeView", "RenderError", "graph"]
