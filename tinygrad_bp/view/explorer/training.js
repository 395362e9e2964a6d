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
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => showFrame(Number(slider.value)));
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
function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}
function drawField(frame, text) {
  const canvas = get("boundary");
  const side = training.side;
  const context = canvas.getContext("2d");
  const [paper, minus, plus, ink] = ["paper", "minus", "plus", "text"].map(colour);
  const small = new ImageData(side, side);
  [...atob(frame.field)].forEach((level, k) => {
    const p = level.charCodeAt(0) / 255;
    const hue = p < 0.5 ? minus : plus;
    const strength = Math.abs(2 * p - 1) * 0.5;
    const row = side - 1 - Math.floor(k / side);
    const place = 4 * (row * side + (k % side));
    for (let c = 0; c < 3; c++) small.data[place + c] = paper[c] + strength * (hue[c] - paper[c]);
    small.data[place + 3] = 255;
  });
  const scratch = document.createElement("canvas");
  scratch.width = scratch.height = side;
  scratch.getContext("2d").putImageData(small, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(scratch, 0, 0, canvas.width, canvas.height);
  const [left, right, bottom, top] = training.bounds;
  training.points.forEach(([px, py], k) => {
    const x = ((px - left) / (right - left)) * canvas.width;
    const y = canvas.height - ((py - bottom) / (top - bottom)) * canvas.height;
    const rgb = training.labels[k] ? plus : minus;
    context.fillStyle = `rgb(${rgb.join(",")})`;
    context.strokeStyle = `rgb(${ink.join(",")})`;
    context.beginPath();
    if (training.labels[k]) {
      context.moveTo(x, y - 5);
      context.lineTo(x + 5, y + 4);
      context.lineTo(x - 5, y + 4);
      context.closePath();
    } else context.arc(x, y, 4, 0, 7);
    context.fill();
    context.stroke();
  });
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
