// Panels over the epochs, one below the other on one scale

const panels = [];
const left = () => [74, 102, 136][[400, 560].filter((width) => get("timeline").clientWidth >= width).length];
const RIGHT = 14;

function panel(title, unit, keys = []) {
  const caption = make("figcaption", {}, make("b", {}, title), make("span", { class: "unit" }, unit), ...keys);
  const figure = make("figure", { class: "panel" }, caption);
  get("timeline").append(figure);
  return figure;
}
function chart(figure, height, label) {
  const width = Math.max(get("timeline").clientWidth, 240);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": label });
  const [from, to] = [left(), width - RIGHT];
  const x = (epoch) => from + share(epoch) * (to - from);
  figure.append(svg);
  svg.addEventListener("click", (event) => {
    const place = (event.clientX - svg.getBoundingClientRect().left - from) / (to - from);
    show(nearest(epochAt(Math.min(Math.max(place, 0), 1))));
  });
  return { svg, from, to, x, height };
}
function drawEpochs({ svg, from, to, x, height }, low, named) {
  for (const epoch of epochTicks(to - from)) {
    svg.append(draw("path", { class: "grid", d: `M${x(epoch)},${low} v4` }));
    svg.append(draw("text", { class: "tick", x: x(epoch), y: low + 16, "text-anchor": "middle" }, epoch === 0 ? "start" : String(epoch)));
  }
  if (named) svg.append(draw("text", { class: "tick", x: 0, y: low + 16 }, "epoch"));
}
function drawMarks({ svg, x }, top, bottom, word) {
  if (data.kept !== null) {
    svg.append(draw("path", { class: "kept", d: `M${x(data.kept)},${top} V${bottom}` }));
    if (word) {
      const late = share(data.kept) > 0.8;
      svg.append(draw("text", { class: "kept-word", x: x(data.kept) + (late ? -5 : 5), y: top + 9, "text-anchor": late ? "end" : "start" }, `kept: ${data.kept || "start"}`));
    }
  }
  const cursor = draw("path", { class: "cursor", d: `M0,${top} V${bottom}` });
  svg.append(cursor);
  panels.push((i) => cursor.setAttribute("transform", `translate(${x(frames[i])},0)`));
}
const styleOf = (part) => part.replace(" ", "-");

function drawCurves(one, first) {
  const keys = one.series.map(({ part }) => {
    const sample = draw("svg", { viewBox: "0 0 28 10", "aria-hidden": "true" });
    sample.append(draw("path", { class: `curve ${styleOf(part)}`, d: "M0,5 H28" }));
    return make("span", { class: "key" }, sample, part);
  });
  const figure = panel(one.title[0].toUpperCase() + one.title.slice(1), one.log ? "logarithmic" : "", keys);
  const all = one.series.flatMap(({ values }) => values).filter(finite);
  const parts = one.series.map(({ part, values }) => `${part} from ${number(values.find(finite) ?? "nan")} to ${number([...values].reverse().find(finite) ?? "nan")}`);
  const box = chart(figure, first ? 220 : 160, `${one.title} by epoch: ${parts.join(", ")}`);
  const [top, bottom] = [12, box.height - 24];
  let [low, high] = [Math.min(...all), Math.max(...all)];
  if (!all.length) [low, high] = [0, 1];
  if (high === low) [low, high] = one.log ? [low / 2, high * 2] : [low - 0.5, high + 0.5];
  const f = one.log ? Math.log : (v) => v;
  const y = (v) => bottom - ((f(v) - f(low)) / (f(high) - f(low))) * (bottom - top);
  let above = Infinity;
  for (const v of one.log ? logTicks(low, high) : ticks(low, high, 4)) {
    if (above - y(v) < 14) continue;
    above = y(v);
    box.svg.append(draw("path", { class: "grid", d: `M${box.from},${y(v)} H${box.to}` }));
    box.svg.append(draw("text", { class: "tick", x: box.from - 8, y: y(v) + 4, "text-anchor": "end" }, number(v)));
  }
  drawEpochs(box, bottom, true);
  for (const { part, values } of one.series) {
    let path = "";
    let pen = "M";
    values.forEach((v, i) => {
      const drawn = finite(v) && (!one.log || v > 0);
      if (drawn) path += `${pen}${box.x(data.x[i]).toFixed(1)},${y(v).toFixed(1)}`;
      pen = drawn ? "L" : "M";
    });
    if (values.filter(finite).length === 1) {
      const i = values.findIndex(finite);
      box.svg.append(draw("circle", { class: `dot ${styleOf(part)}`, cx: box.x(data.x[i]), cy: y(values[i]), r: 3.5 }));
    } else box.svg.append(draw("path", { class: `curve ${styleOf(part)}`, d: path }));
  }
  drawMarks(box, top - 8, bottom, first);
}
function drawPins() {
  const figure = panel("Findings", "the epochs in which they show");
  const row = 20;
  const box = chart(figure, findings.length * row + 22, findings.map((one, i) => `${i + 1}, ${one.name}: epochs ${one.first} to ${one.last}`).join("; "));
  const bottom = findings.length * row + 2;
  findings.forEach((one, i) => {
    const [a, b] = [box.x(one.first), box.x(one.last)];
    rowName(box, `${i + 1}. ${one.name}`, i * row + 14, false);
    box.svg.append(draw("rect", { class: `pin ${one.severity}`, x: Math.max(a - 3, box.from), y: i * row + 5, width: Math.max(b - a, 0) + 6, height: row - 8, rx: 3 }));
  });
  drawEpochs(box, bottom, true);
  drawMarks(box, 0, bottom, false);
}
function rowName({ svg, from }, name, y, atEnd = true) {
  const room = Math.floor((from - 8) / 6.6);
  const part = atEnd ? `…${name.slice(1 - room)}` : `${name.slice(0, room - 1)}…`;  // what tells it apart
  const cut = name.length > room ? part : name;
  const text = draw("text", { x: from - 8, y, "text-anchor": "end" }, cut);
  if (cut !== name) text.append(draw("title", {}, name));
  svg.append(text);
}

// A map has a row for each layer and a column for each frame, which reaches halfway to the next.
function drawMap(kind, title, unit, rows, { log, low, high, text }) {
  const values = rows.flat().filter((v) => finite(v) && (!log || v > 0));
  const most = high ?? Math.max(...values, 0);
  const least = low ?? Math.max(Math.min(...values), most * 1e-8);
  const f = log ? Math.log : (v) => v;
  const strength = (v) => (most === least ? 1 : Math.min(Math.max((f(Math.max(v, least)) - f(least)) / (f(most) - f(least)), 0), 1));
  const ramp = make("span", { class: `ramp ${kind}` }, text(least), make("i", { "aria-hidden": "true" }), text(most));
  const figure = panel(title, unit, values.length ? [ramp] : []);
  figure.classList.add(kind);
  const row = layers.length > 14 ? 14 : 22;
  const bottom = layers.length * row + 2;
  const told = layers.map((layer, l) => `${layer.name} ${finite(rows[l][frames.length - 1]) ? text(rows[l][frames.length - 1]) : "none"}`);
  const box = chart(figure, bottom + 20, `${title} by layer and epoch; at the end ${told.join(", ")}`);
  const { svg, x, from, to } = box;
  layers.forEach((layer, l) => {
    const y = l * row + 2;
    if (layers.length <= 14 || l % 2 === 0) rowName(box, layer.name, y + row / 2 + 4);
    frames.forEach((epoch, i) => {
      const a = i ? (x(frames[i - 1]) + x(epoch)) / 2 : from;
      const b = i + 1 < frames.length ? (x(epoch) + x(frames[i + 1])) / 2 : to;
      const v = rows[l][i];
      if (v === "nan" && !(kind === "gradient")) return;
      const cell = draw("rect", { class: finite(v) ? "cell" : "cell bad", x: a.toFixed(2), y, width: (b - a + 0.3).toFixed(2), height: row - 2 });
      if (finite(v)) cell.style.setProperty("--strength", strength(v).toFixed(3));
      svg.append(cell);
    });
    svg.append(draw("rect", { class: "frame", x: from, y, width: to - from, height: row - 2 }));
  });
  drawEpochs(box, bottom, true);
  drawMarks(box, 0, bottom, false);
}
const percent = (v) => `${number(Math.round(1000 * v) / 10)} %`;

function drawTimeline() {
  panels.length = 0;
  get("timeline").replaceChildren();
  data.charts.forEach((one, i) => drawCurves(one, i === 0));
  if (findings.length) drawPins();
  if (!observed) return;
  drawMap("gradient", "Gradient norm", "by layer, logarithmic", data.gradient, { log: true, text: number });
  drawMap("ratio", "Update ratio ‖ΔW‖ / ‖W‖", "of the last step, logarithmic", data.ratio, { log: true, text: number });
  drawMap("flat", "Saturated units", "share of a layer's units", data.flat, { log: false, low: 0, high: 1, text: percent });
}
