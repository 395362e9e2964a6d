// The training

function startTraining() {
  if (!training) {
    get("training").hidden = true;
    return;
  }
  const slider = get("frame");
  slider.max = training.frames.length - 1;
  slider.value = slider.max;
  slider.addEventListener("input", () => showFrame(Number(slider.value)));
  if (!training.side) get("boundary").hidden = true;
  drawLosses();
  showFrame(Number(slider.max));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => showFrame(Number(slider.value)), { signal });
}
function showFrame(i) {
  const frame = training.frames[i];
  const heldout = frame.heldout === null ? "" : `, held out ${number(frame.heldout)}`;
  const text = `epoch ${frame.epoch}: loss ${number(frame.loss)}${heldout} nats`;
  get("frame-status").textContent = text;
  get("frame").setAttribute("aria-valuetext", text);
  const box = get("parameters");
  box.replaceChildren();
  for (const [name, values] of Object.entries(frame.parameters)) {
    const shape = training.shapes[name];
    const node = { id: -1, name, shape, size: shape.reduce((a, b) => a * b, 1) };
    box.append(matrix(node, "frame", values, name, { into: new Map() }));
  }
  const marker = document.querySelector(".marker");
  if (marker) marker.setAttribute("transform", `translate(${lossX(i)},0)`);
  if (training.side) drawField(frame, text);
}
function drawField(frame, text) {
  const canvas = get("boundary");
  const [paper, minus, plus] = ["paper", "minus", "plus"].map(colour);
  paintField(canvas, training, frame.field, (level) => between(level / 255, minus, paper, plus));
  const own = (label) => (label ? plus : minus);
  paintPoints(canvas, training, own);
  const [a, b] = training.classes;
  canvas.setAttribute("aria-label", `${text}; circles are ${a}, triangles ${b}; ${training.features[0]} to the right, ${training.features[1]} upwards`);
}
const lossX = (i) => 46 + (i / Math.max(training.frames.length - 1, 1)) * 320;
function drawLosses() {
  const svg = draw("svg", { width: 380, height: 240, viewBox: "0 0 380 240", role: "img", "aria-label": "loss by epoch, on a logarithmic scale" });
  const series = [["", training.frames.map((f) => f.loss)], [" heldout", training.frames.map((f) => f.heldout)]];
  const all = series.flatMap(([, values]) => values).filter((v) => v > 0);
  const [low, high] = [Math.log(Math.min(...all)), Math.log(Math.max(...all))];
  const y = (v) => 200 - ((Math.log(v) - low) / (high - low || 1)) * 180;
  svg.append(draw("path", { class: "axis", d: "M46,20 V200 H366", fill: "none" }));
  for (const v of [Math.exp(high), Math.exp(low)]) svg.append(draw("text", { x: 22, y: y(v) + 4 }, number(v)));
  const frames = training.frames;
  for (const i of [0, frames.length - 1]) svg.append(draw("text", { x: lossX(i), y: 218 }, String(frames[i].epoch)));
  svg.append(draw("text", { x: 206, y: 234 }, "epoch; solid: training loss, dashed: held out"));
  for (const [name, values] of series) {
    const points = values.map((v, i) => (v > 0 ? `${lossX(i).toFixed(1)},${y(v).toFixed(1)}` : "")).filter(Boolean);
    if (points.length) svg.append(draw("polyline", { class: `curve${name}`, points: points.join(" ") }));
  }
  svg.append(draw("path", { class: "marker", d: "M0,14 V200" }));
  get("losses").append(svg);
}
