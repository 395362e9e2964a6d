"""An independent reading of DOT: enough of its grammar for what this project writes."""

from __future__ import annotations

import re

TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<arrow>->)|(?P<word>[A-Za-z_][A-Za-z_0-9]*|-?[.\d]+)'
    r"|(?P<sign>[\[\]{}=;,])|(?P<end>\Z))",
    re.DOTALL,
)
DEFAULTS = ("graph", "node", "edge")


def tokens(source):
    position, found = 0, []
    while position < len(source):
        match = TOKEN.match(source, position)
        assert match, f"not DOT: {source[position : position + 40]!r}"
        position = match.end()
        if match["text"] is not None:  # in a quoted text only the quote itself is escaped
            found.append(("text", match["text"][1:-1].replace('\\"', '"')))
        elif match["end"] is None:
            found.append(("word", match["word"] or match["arrow"] or match["sign"]))
    return found


def parse_dot(source):
    """Return the nodes and edges of a digraph with their attributes."""
    nodes, edges, _ = parse_parts(source)
    return nodes, edges


def parse_parts(source):
    """Return the nodes, the edges, and the boxes around each node, by label, outermost first."""
    found = tokens(source)
    assert [value for _, value in found[:3]] == ["digraph", "computation", "{"]
    assert found[-1][1] == "}"
    nodes, edges, place, boxes, within = {}, [], 3, [], {}
    while place < len(found) - 1:
        kind, name = found[place]
        assert kind == "word"
        place += 1
        if name == "subgraph":
            assert re.fullmatch(r"cluster_\d+", found[place][1])
            assert found[place + 1][1] == "{"
            boxes.append(None)
            place += 2
            continue
        if name == "}":
            boxes.pop()
            continue
        if found[place] == ("word", "="):  # of the box that is open
            if name == "label":
                boxes[-1] = found[place + 1][1]
            place += 2
            continue
        target = None
        if found[place][1] == "->":
            target = found[place + 1][1]
            place += 2
        attributes = {}
        if found[place] == ("word", "["):
            place += 1
            while found[place] != ("word", "]"):
                (_, key), (_, equals), (_, value) = found[place : place + 3]
                assert equals == "="
                attributes[key] = value
                place += 3
            place += 1
        if target is not None:
            edges.append((name, target, attributes))
        elif name not in DEFAULTS:
            assert name not in nodes
            nodes[name] = attributes
            within[name] = list(boxes)
    return nodes, edges, within


def label_lines(label):
    """Undo what dot does to a label: escapes and entities, then lines."""
    lines, line, characters = [], "", iter(label)
    for character in characters:
        if character != "\\":
            line += character
            continue
        escape = next(characters)
        assert escape in "\\n", f"\\{escape} would be replaced by a name or an alignment"
        if escape == "n":
            lines.append(line)
            line = ""
        else:
            line += escape
    lines.append(line)
    assert all(re.fullmatch(r"(?:[^&]|&amp;)*", line) for line in lines)
    return [line.replace("&amp;", "&") for line in lines]
