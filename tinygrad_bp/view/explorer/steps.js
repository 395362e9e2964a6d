const { nodes, edges, checks, training } = data;
const argumentsOf = nodes.map(() => []);
const usesOf = nodes.map(() => []);
for (const edge of edges) {
  argumentsOf[edge.t].push(edge);
  usesOf[edge.s].push(edge);
}

const shapeText = (shape) => shape.join("×") || "scalar";

// The steps: what is given, each operation, then each gradient from the result back.
const steps = [{ phase: "given" }];
for (const node of nodes) {
  if (argumentsOf[node.id].length || !node.given) steps.push({ phase: "forward", node });
}
const firstForward = Math.min(1, steps.length - 1);
const firstBackward = steps.length;
// The gradients of leaves, dW3 and db3, stand beside that of what used them, dz3.
const reached = new Set();
function walk(node) {
  reached.add(node.id);
  steps.push({ phase: "backward", node });
  for (const edge of argumentsOf[node.id]) {
    const leaf = nodes[edge.s];
    if (!leaf.given || leaf.ct === null || reached.has(leaf.id)) continue;
    if (usesOf[leaf.id].every((use) => nodes[use.t].ct === null || reached.has(use.t))) walk(leaf);
  }
}
for (const node of [...nodes].reverse()) {
  if (node.ct !== null && !reached.has(node.id)) walk(node);
}
const forwardStep = new Map();
const backwardStep = new Map();
steps.forEach((step, i) => {
  if (step.node) (step.phase === "forward" ? forwardStep : backwardStep).set(step.node.id, i);
});
const resultName = ([...nodes].reverse().find((node) => node.kind === "output") || nodes[nodes.length - 1] || {}).name;
let current = 0;
