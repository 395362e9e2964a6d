"""A picture as SVG, DOT, Mermaid, JSON and text, and what a notebook shows."""
