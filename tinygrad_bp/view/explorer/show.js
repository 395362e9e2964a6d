// One step

function go(i) {
  current = Math.max(0, Math.min(steps.length - 1, i));
  const step = steps[current];
  get("step").value = current;
  get("step").setAttribute("aria-valuetext", `step ${current} of ${steps.length - 1}`);
  get("first").disabled = get("back").disabled = current === 0;
  get("last").disabled = get("next").disabled = current === steps.length - 1;
  cells = new Map();
  get("now").replaceChildren();
  get("sum").textContent = "Point at a number, or go to it with the arrows, to see its parts.";
  const phase = step.node && step.node.kind === "cotangent" ? "backward" : step.phase;
  const told = step.phase === "given" ? showGiven() : step.phase === "forward" ? showForward(step.node) : showBackward(step.node);
  get("words").textContent = told.words;
  get("why").textContent = told.why;
  remember(`step=${current}`);
  get("status").textContent = `Step ${current} of ${steps.length - 1}, ${phase}: ${told.short}`;
  shrinkStep();
  paint();
}
function showGiven() {
  const given = nodes.filter((node) => node.given);
  const isNumber = (node) => node.kind === "constant" && node.value?.length === 1 && !node.shape.length;
  const numbers = [...new Set(given.filter(isNumber).map((node) => node.name))];
  const box = make("div", { class: "matrices" });
  for (const node of given.filter((one) => !isNumber(one)).slice(0, 30)) box.append(matrix(node, "value", node.value, node.name));
  get("now").append(box);
  const others = numbers.length ? `, and the number${numbers.length > 1 ? "s" : ""} ${listed(numbers)}` : "";
  return {
    words: box.children.length
      ? `These values are given${others}; everything else is computed from them.`
      : "What everything is computed from stands in the folded parts.",
    short: `${given.length} ${given.length === 1 ? "value is" : "values are"} given`,
    why: "Nothing has to be known before them.",
  };
}
function beside(sign, figure) {
  return make("div", { class: "result" }, make("span", { class: "sign", "aria-hidden": "true" }, sign), figure);
}
function line(formula, shapes) {
  return make("p", { class: "formula" }, shapes ? `${formula}:  ${shapes}` : formula);
}
// A value as an operand of a formula, in the place where it stands there: [place, "ᵀ" or ""].
function operand(node, role, [, turn], which = "") {
  const turned = turn !== "" && node.shape.length === 2;
  const name = `${role === "ct" ? node.d : node.name}${turned ? "ᵀ" : ""}${which ? ` (${which})` : ""}`;
  return matrix(node, role, role === "ct" ? node.ct : node.value, name, { turned });
}
const distinct = (order) => order.filter((one, i) => order.findIndex((other) => String(other) === String(one)) === i);
function showForward(node) {
  const box = make("div", { class: "matrices" });
  const order = distinct(node.order || argumentsOf[node.id].map((edge) => [String(edge.p), ""]));
  for (const place of order) {
    for (const edge of argumentsOf[node.id]) {
      if (String(edge.p) === place[0]) box.append(operand(nodes[edge.s], "value", place, edge.which));
    }
  }
  for (const edge of argumentsOf[node.id]) {  // what the formula does not say
    if (!order.some(([place]) => place === String(edge.p))) box.append(operand(nodes[edge.s], "value", ["", ""], edge.which));
  }
  box.append(beside("→", matrix(node, "value", node.value, node.name)));
  const formula = node.formula || `${node.name}`;
  get("now").append(line(formula, node.shapes), box);
  const read = argumentsOf[node.id].filter((edge) => !edge.loop).map((edge) => nodes[edge.s].name);
  const many = node.count > 1 ? ` It stands for ${node.count} operations.` : "";
  return {
    words: `${read.length ? `${node.name} is made of ${listed([...new Set(read)])}. ` : ""}${sentence(node.note || node.words || node.op)}${many}`,
    short: formula,
    why: read.length ? `Why now: all that it reads is there: ${[...new Set(read)].join(", ")}.` : "",
  };
}
function showBackward(node) {
  const uses = usesOf[node.id].filter((edge) => nodes[edge.t].ct !== null);
  const now = get("now");
  const unseen = !uses.length && usesOf[node.id].some((edge) => nodes[edge.t].count > 1);
  if (!uses.length) now.append(line(`${node.d} = ${(node.ct || []).map(number).slice(0, 8).join(", ")}`));
  const isPart = uses.length > 0 && uses.every((edge) => edge.part) && node.ct.some((v, k) => addUp(uses.map((edge) => edge.part[k]), v) === false);
  const sum = make("div", { class: "matrices" });
  const parts = make("div", { class: "uses" });
  now.append(parts);
  uses.forEach((edge) => {
    const user = nodes[edge.t];
    const use = make("div", {}, line(edge.formula || `${node.d}, from ${user.name}`, edge.shapes));
    parts.append(use);
    const box = make("div", { class: "matrices" });
    const order = edge.order || [];
    if (!order.some(([place]) => place === "ct")) box.append(operand(user, "ct", ["ct", ""]));
    for (const place of distinct(order)) {
      if (place[0] === "ct" || place[0] === "out") box.append(operand(user, place[0] === "ct" ? "ct" : "value", place));
      for (const other of argumentsOf[user.id]) {
        if (String(other.p) === place[0] && nodes[other.s].value) box.append(operand(nodes[other.s], "value", place));
      }
    }
    use.append(box);
    if ((uses.length > 1 || isPart) && edge.part) {
      const part = matrix(node, "part", edge.part, `from ${user.name}`, { into: new Map() });
      sum.append(sum.childNodes.length ? beside("+", part) : part);
    }
  });
  const adds = sum.childNodes.length > 0;
  if (isPart) sum.append(make("span", { class: "sign" }, "+ …"));
  const own = adds ? sum : make("div", { class: "matrices" });
  own.append(beside(adds ? "=" : "→", matrix(node, "ct", node.ct, node.d)));
  const check = checks[node.id];
  if (check) {
    own.append(matrix(node, "check", check.values, "finite differences", { into: new Map() }));
  }
  now.append(own);
  const sent = argumentsOf[node.id].filter((edge) => !edge.loop && edge.formula && backwardStep.has(edge.s));
  if (sent.length) {
    const list = make("ul", { class: "sent" });
    for (const edge of sent) {
      const jump = make("button", { type: "button", class: "formula" }, edge.formula);
      jump.addEventListener("click", () => go(backwardStep.get(edge.s)));
      list.append(make("li", {}, jump));
    }
    now.append(make("p", { class: "more" }, `${node.d} then makes`), list);
  }
  const users = [...new Set(uses.map((edge) => nodes[edge.t].name))];
  const others = isPart ? " Other parts, such as those of other samples, are not drawn." : "";
  const agree = check ? ` Finite differences agree to ${number(check.error)}.` : "";
  return {
    words: `${node.d} is how fast ${resultName} changes with ${node.size > 1 ? "each element of " : ""}${node.name}. ` + (uses.length > 1
      ? `${node.name} is used ${uses.length} times: every use sends its part back, and the parts add up.${others}${agree}`
      : uses.length ? `${users[0]} sends its gradient on to ${node.name}.${others}${agree}` : unseen ? `Its uses stand for many operations; their gradients are not shown.${agree}` : "The walk back begins at the result, with its derivative by itself."),
    short: `${node.d}${uses.length > 1 ? `, the sum of ${uses.length} parts` : ""}.${agree}`,
    why: users.length ? `Why now: all that uses it has its gradient: ${users.join(", ")}.` : "",
  };
}
const listed = (names) => (names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : names.join(""));
const sentence = (text) => (text ? text[0].toUpperCase() + text.slice(1) + (/[.!?…]$/.test(text) ? "" : ".") : "");

// What is done, in the drawing and in the order

function state(id) {
  const step = steps[current];
  const node = nodes[id];
  if (step.node && step.node.id === id) return "now";
  if (step.phase === "backward") {
    if (node.ct === null) return "waiting";
    if (backwardStep.get(id) < current) return "done";
    const waits = usesOf[id].some((e) => !e.loop && nodes[e.t].ct !== null && backwardStep.get(e.t) > current);
    return waits ? "waiting" : "ready";
  }
  const own = forwardStep.get(id);
  if (own === undefined || own < current) return "done";
  return argumentsOf[id].every((e) => e.loop || !(forwardStep.get(e.s) > current)) ? "ready" : "waiting";
}
function paint() {
  const step = steps[current];
  const live = new Set();
  if (step.node) {
    const around = step.phase === "forward" ? argumentsOf[step.node.id] : usesOf[step.node.id];
    for (const edge of around) live.add(`${edge.s}-${edge.t}`);
  }
  for (const group of document.querySelectorAll("#graph g[data-node], #order circle")) {
    group.classList.remove("now", "done", "ready", "waiting");
    group.classList.add(state(Number(group.dataset.node)));
  }
  for (const arc of document.querySelectorAll("#order path")) {
    arc.classList.toggle("live", live.has(arc.dataset.edge));
  }
  if (step.node) keepInView(get("graph"), `g[data-node="${step.node.id}"]`);
  if (step.node) keepInView(get("order"), `circle[data-node="${step.node.id}"]`);
}

function drawOrder() {
  const gap = 30;
  const reach = Math.max(...edges.map((edge) => edge.t - edge.s), 1);
  const height = Math.min(150, 24 + reach * 9);
  const width = nodes.length * gap + 20;
  const svg = draw("svg", { width, height: height + 40, viewBox: `0 0 ${width} ${height + 40}`, role: "img", "aria-label": "nodes in a line, with an arc from each value to what is computed from it" });
  const x = (id) => 20 + id * gap;
  for (const edge of edges) {
    if (edge.loop) continue;  // of a later repetition
    const rise = Math.min(height - 16, 12 + ((edge.t - edge.s) * (height - 24)) / reach);
    const path = `M${x(edge.s)},${height} C${x(edge.s)},${height - rise * 1.3} ${x(edge.t)},${height - rise * 1.3} ${x(edge.t)},${height}`;
    svg.append(draw("path", { class: "arc", d: path, "data-edge": `${edge.s}-${edge.t}` }));
  }
  for (const node of nodes) {
    const dot = draw("circle", { class: "dot", cx: x(node.id), cy: height, r: 8, "data-node": node.id });
    dot.append(draw("title", {}, node.name));
    svg.append(dot);
    svg.append(draw("text", { x: x(node.id), y: height + 24 }, String(node.id)));
  }
  get("order").append(svg);
}
function drawLegend() {
  for (const [kind, word, path] of data.legend) {
    const svg = draw("svg", { width: 22, height: 18, "aria-hidden": "true" });
    const group = draw("g", { class: kind });
    group.append(draw("path", { d: path }));
    svg.append(group);
    get("legend").append(make("li", {}, svg, word));
  }
}
function listChecks() {
  const ids = Object.keys(checks);
  if (!ids.length) {
    get("checks-section").hidden = true;
    return;
  }
  const head = make("tr", {}, ...["leaf", "shape", "largest difference", "largest gradient"].map((t) => make("th", { scope: "col" }, t)));
  const body = make("tbody");
  for (const id of ids) {
    const node = nodes[id];
    const largest = Math.max(...node.ct.map(Math.abs));
    body.append(make("tr", {}, make("th", { scope: "row" }, node.name), make("td", {}, shapeText(node.shape)), make("td", {}, number(checks[id].error)), make("td", {}, number(largest))));
  }
  get("checks").append(make("caption", {}, "Gradients beside finite differences"), make("thead", {}, head), body);
}
