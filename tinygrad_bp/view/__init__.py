"""Pictures of computation graphs: `graph` takes one, a `GraphView` holds it, renderers draw it."""

from __future__ import annotations

from tinygrad_bp.view.dot import RenderError
from tinygrad_bp.view.folding import GraphTooLargeError
from tinygrad_bp.view.graph_view import GraphView, graph
from tinygrad_bp.view.records import CheckView, EdgeView, NodeView, Section, Statistics
from tinygrad_bp.view.training_frames import Frame, TrainingFrames

__all__ = [
    "CheckView",
    "EdgeView",
    "Frame",
    "GraphTooLargeError",
    "GraphView",
    "NodeView",
    "RenderError",
    "Section",
    "Statistics",
    "TrainingFrames",
    "graph",
]
