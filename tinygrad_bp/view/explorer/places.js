// Where one is: the address, names, and what leads to a gradient

// The address of this step and element; pages that may not change it keep theirs.
function remember(place) {
  try {
    const open = data.opened.length ? `&open=${encodeURIComponent(addressOf(data.opened))}` : "";
    history.replaceState(null, "", `#${encodeURI(place).replace(/%5B/g, "[").replace(/%5D/g, "]")}${open}`);
  } catch { /* a frame without an address of its own */ }
}
// The step of a name: where W1 or z1 is made, or the walk reaches dW1.
function stepOf(name) {
  const gradient = nodes.find((node) => node.d === name && backwardStep.has(node.id));
  if (gradient) return backwardStep.get(gradient.id);
  const node = nodes.find((one) => one.name === name);
  return node && (forwardStep.get(node.id) ?? 0);
}
function pick(element) {
  const name = nameOf(element);
  if (stepOf(name) !== undefined && ![...cells.values()].flat().some((td) => named(td) === element)) go(stepOf(name));
  const found = [...cells.values()].flat().find((td) => named(td) === element);
  if (found) trace(found);
  return found !== undefined;
}
function named(td) {
  const node = nodes[td.dataset.node];
  return indexed(node, Number(td.dataset.element), td.dataset.role === "value" ? node.name : node.d);
}
function openAddress() {
  const asked = new URLSearchParams(location.hash.slice(1).replace(/\+/g, "%2B"));
  const step = Number(asked.get("step") ?? (data.focus ? stepOf(data.focus) : 0));
  go(Number.isFinite(step) ? step : 0);
  const element = asked.get("element") || data.focus;
  const [name, value] = [...asked][0] ?? [];
  if (name && !value) find(name);  // page.html#dW2, as one would write it
  else if (element) pick(element);
}
function find(text) {
  const step = stepOf(text.trim());
  if (step !== undefined) return go(step);
  if (pick(text.trim())) return;
  const number = pictureOf(nameOf(text.trim()));
  if (number >= 0 && number !== data.number) show(number, { find: text });
  else get("status").textContent = `Nothing is called ${text}.`;
}
function listNames() {
  const all = pictures.flatMap((one) => one.nodes.flatMap((node) => (node.ct === null ? [node.name] : [node.name, node.d])));
  for (const name of new Set(all)) get("names").append(make("option", { value: name }));
  get("find").addEventListener("change", (event) => find(event.target.value));
}

// Each node with a gradient has a mark that leads to it.
function markGradients() {
  for (const group of document.querySelectorAll("#graph g[data-node]")) {
    const node = nodes[group.dataset.node];
    const shape = group.querySelector("path");
    if (!shape || !backwardStep.has(node.id) || node.kind === "cotangent") continue;
    const box = shape.getBBox();
    const mark = draw("g", { class: "mark", "data-gradient": node.id });
    const share = node.given ? 0 : 0.05;  // a box has text up to its corner, a round one has none there
    const [x, y] = [box.x + (1 - share) * box.width, box.y + share * box.height];
    mark.append(draw("circle", { cx: x, cy: y, r: 7.5 }), draw("text", { x, y: y + 4 }, "∂"), draw("title", {}, `to ${node.d}, the gradient`));
    group.append(mark);
  }
}
