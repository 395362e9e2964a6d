"""The engine: Tensors, the graph that they record, and the walks over it.

It knows no single rule: `rules/` fills the tables of `rule`.  Read in this order: `nodes` (what a
graph is), `tensor` (a value and its place in it), `rule` (what a row of the table holds),
`recording` (how a call becomes a node), `walk` (how cotangents come back), `push` (how tangents go
forward).
"""
