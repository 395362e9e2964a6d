// Matrices

let cells = new Map();
function matrix(node, role, values, name, { into = cells, turned = false } = {}) {
  const across = node.shape.length ? node.shape[node.shape.length - 1] : 1;
  const down = node.shape.length > 1 ? Math.ceil(node.size / Math.max(across, 1)) : 1;
  const [rows, columns] = turned ? [across, down] : [down, across];
  const shape = node.dtype ? shapeText(turned ? [...node.shape].reverse() : node.shape) : "";  // of one value
  const table = make("table", { role: "grid", "aria-label": `${name}, ${shape}` });
  table.append(make("caption", {}, `${name}  ${shape}${node.over?.[role] ?? ""}`));
  const figure = make("figure", {}, table);
  if (values === null || values === undefined) {
    const several = node.dtype ? `one in each of ${node.times} repetitions` : "several values leave it";
    const missing = node.times > 1 || !node.dtype ? several : (role === "value" && node.note) || "not known";
    const unknown = role === "value" && node.statistics ? "too large to show" : missing;
    figure.append(make("p", { class: "more" }, describe(node, role, unknown)));
    return figure;
  }
  const largest = Math.max(...values.map((v) => (Number.isFinite(v) ? Math.abs(v) : 0)), 0);
  let body = make("tbody");
  table.append(body);
  let shown = 0;
  for (let r = 0; r < Math.min(rows, 12); r++) {
    const block = node.shape.length > 2 && r && r % node.shape[node.shape.length - 2] === 0;
    if (block) table.append((body = make("tbody")));  // matrices of a stack stand apart
    const row = make("tr");
    for (let c = 0; c < Math.min(columns, 12); c++) {
      const k = turned ? c * across + r : r * across + c;
      if (k >= values.length) break;
      row.append(cell(node, role, values[k], k, largest, shown === 0, into));
      shown += 1;
    }
    if (row.childNodes.length) body.append(row);
  }
  if (shown < node.size) {
    const part = `${shown} of ${node.size} elements`;
    figure.append(make("p", { class: "more count" }, describe(node, role, part)));
  }
  return figure;
}
function describe(node, role, text) {
  return role === "value" && node.statistics ? `${text}; ${node.statistics}` : text;
}
function cell(node, role, value, k, largest, first, into) {
  const td = make("td", {
    class: `number ${value < 0 ? "minus" : "plus"}`,
    tabindex: first ? "0" : "-1",
    title: String(value),
    "data-node": node.id,
    "data-role": role,
    "data-element": k,
  }, number(value));
  const strength = largest && Number.isFinite(value) ? Math.abs(value) / largest : 0;
  td.style.setProperty("--strength", strength.toFixed(3));
  const key = `${role}:${node.id}:${k}`;
  into.set(key, [...(into.get(key) || []), td]);
  return td;
}

// Where an element came from

function indexed(node, k, name = node.name) {
  if (!node.shape.length) return name;
  const index = [];
  for (const n of [...node.shape].reverse()) {
    index.unshift(k % n);
    k = Math.floor(k / n);
  }
  return `${name}[${index.join(",")}]`;
}
const at = (values, k) => (values && k < values.length ? values[k] : null);

// The terms of one element: each a list of factors {text, value, key}.
function termsOf(node, role, k) {
  return role === "value" ? valueTerms(node, k) : role === "ct" ? gradientTerms(node, k) : null;
}
function factor(node, k) {
  const value = at(node.value, k);
  return { text: indexed(node, k), value, key: `value:${node.id}:${k}` };
}
function valueTerms(node, k) {
  if (!node.links) return null;
  const [products, terms] = node.links[k];
  const source = {};
  for (const edge of argumentsOf[node.id]) source[edge.p] = nodes[edge.s];
  const known = (p) => source[p] !== undefined;
  if (!terms.every(([p]) => known(p)) || (products.length && !(known(0) && known(1)))) return null;
  return [
    ...products.map(([i, j]) => [factor(source[0], i), factor(source[1], j)]),
    ...terms.map(([p, i, slope]) => scaled(factor(source[p], i), node.is_sum ? slope : 1)),
  ];
}
function scaled(one, slope) {
  if (slope === 1) return [one];
  if (slope === -1) return [{ ...one, text: `(-${one.text})`, value: one.value === null ? null : -one.value }];
  return [{ text: number(slope), value: slope, key: "" }, one];
}
// Whether numbers are all there is of a sum: true, false, or null where it cannot be told. Of the
// samples one may be drawn, and rounding in float32 is forgiven.
function addUp(parts, sum) {
  const all = [...parts, sum];
  if (!all.every((one) => typeof one === "number")) return null;
  const size = all.reduce((total, one) => total + Math.abs(one), 0);
  return Math.abs(parts.reduce((total, one) => total + one, -sum)) <= 1e-5 * size;
}
const product = (term) => (term.every((f) => typeof f.value === "number") ? term.reduce((p, f) => p * f.value, 1) : null);
function gradientTerms(node, k) {
  const found = [];
  for (const edge of usesOf[node.id]) {
    const user = nodes[edge.t];
    if (user.kind === "cotangent") continue;
    if (!user.links || user.ct === null) return null;
    const source = {};
    for (const other of argumentsOf[user.id]) source[other.p] = nodes[other.s];
    user.links.forEach(([products, terms], o) => {
      const sent = { text: indexed(user, o, user.d), value: at(user.ct, o), key: `ct:${user.id}:${o}` };
      for (const [i, j] of products) {
        if (source[0] === undefined || source[1] === undefined) return;
        if (edge.p === 0 && i === k) found.push([sent, factor(source[1], j)]);
        if (edge.p === 1 && j === k) found.push([sent, factor(source[0], i)]);
      }
      for (const [p, i, slope] of terms) {
        if (p !== edge.p || i !== k) continue;
        const one = { text: `∂${indexed(user, o)}/∂${indexed(node, k)}`, value: slope, key: "" };
        found.push(slope === 1 ? [sent] : [sent, one]);
      }
    });
  }
  return found;
}

function trace(td) {
  clearTrace();
  const node = nodes[td.dataset.node];
  const role = td.dataset.role;
  const k = Number(td.dataset.element);
  const own = role === "value" ? indexed(node, k) : indexed(node, k, node.d);
  const value = role === "value" ? at(node.value, k) : at(node.ct, k);
  const terms = termsOf(node, role, k);
  td.classList.add("picked");
  remember(`step=${current}&element=${own}`);
  const line = get("sum");
  if (terms === null || !terms.length) {
    const told = node.given && role === "value" ? "given" : role === "ct" && terms ? "the walk begins with it" : terms && node.is_sum ? "an empty sum" : "not traced here";
    line.textContent = `${own} = ${number(value)}  (${told})`;
    return;
  }
  for (const one of terms.flat()) {
    for (const other of cells.get(one.key) || []) other.classList.add("source");
  }
  if ([...document.querySelectorAll("#now .source,#now .picked")].some(isHidden)) showRows();
  const few = terms.slice(0, 12);
  const whole = addUp(terms.map(product), value);
  const isSum = role === "ct" || node.links[k][0].length > 0 || (node.is_sum && whole === true);
  const more = terms.length > few.length ? `${isSum ? " +" : ","} … (${terms.length - few.length} more)` : "";
  const left = isSum ? whole === false && " + …" : (node.formula || "").endsWith(", …)") && ", …";
  const rest = more || left || "";
  const inside = (text) => few.map((term) => term.map(text).join("·")).join(isSum ? " + " : ", ");
  const wrap = (text) => (isSum ? text : `${node.op}(${text})`);
  const shown = isSum ? signed : number;
  const inserted = wrap(inside((f) => (f.value === null ? "?" : shown(f.value))) + rest);
  const last = inserted === signed(value) ? number(value) : `${inserted} = ${number(value)}`;
  line.textContent = `${own} = ${wrap(inside((f) => f.text) + rest)} = ${last}`;
}
const signed = (value) => (value < 0 || /.[+-].*j$/.test(value) ? `(${number(value)})` : number(value));
function clearTrace() {
  for (const td of document.querySelectorAll(".source,.picked")) td.classList.remove("source", "picked");
}
