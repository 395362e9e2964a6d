// One frame: the plane of two features, the numbers of the layers, and their weights

const CLASS_HUES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C6BB1", "#7F7F7F"].map((hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16)));
const hueOfClass = (label) => CLASS_HUES[label % CLASS_HUES.length];

function drawPlane(i) {
  const { plane } = data;
  if (!plane) return;
  const [paper, minus, plus] = ["paper", "minus", "plus"].map(colour);
  const several = plane.kind === "classes";
  const paint = several
    ? (level) => tinted(paper, hueOfClass(level >> 5), (level & 31) / 31)
    : (level) => between(level / 255, minus, paper, plus);
  const hue = (label) => between(label < 0.5 ? Math.min(label, 0.5) : label, minus, paper, plus).map((_, k) => Math.round(paper[k] + Math.abs(2 * label - 1) * ((label < 0.5 ? minus : plus)[k] - paper[k])));
  if (plane.levels[i]) paintField(get("boundary"), plane, plane.levels[i], paint);
  if (!several && plane.levels[i]) paintContour(get("boundary"), plane, plane.levels[i], 127.5);
  paintPoints(get("boundary"), plane, several ? hueOfClass : hue);
  const [across, up] = plane.features;
  get("boundary").setAttribute("aria-label", `what the model says at ${epochName(i)}; ${across} to the right, ${up} upwards`);
}
function explainPlane() {
  const { plane } = data;
  get("plane").hidden = !plane;
  if (!plane) return;
  const [left_, right_, bottom, top] = plane.bounds.map(number);
  get("plane-axes").textContent = `${plane.features[0]} from ${left_} to ${right_} across, ${plane.features[1]} from ${bottom} to ${top} upwards; samples as they are, the background as the model says.`;
  const entry = (hue, text) => {
    const swatch = make("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = hue;
    return make("li", {}, swatch, text);
  };
  const named = plane.shaped ? plane.classes : plane.span.map(number);
  const marks = plane.shaped ? ["● ", "▲ ", "■ ", "◆ "] : [""];
  named.forEach((name, k) => {
    const hue = plane.kind === "classes" ? `rgb(${hueOfClass(k).join(",")})` : `var(--${k ? "plus" : "minus"})`;
    get("plane-legend").append(entry(hue, `${marks[k % marks.length]}${name}`));
  });
}
function cells(l, i) {
  const text = (v, f) => (v === "nan" ? "–" : finite(v) ? f(v) : String(v));
  return [text(data.gradient[l][i], number), text(data.ratio[l][i], number), text(data.flat[l][i], percent)];
}
function drawLayers() {
  if (!observed) return;
  const heads = ["layer", "gradient norm", "update ratio", "saturated"];
  const body = make("tbody");
  layers.forEach((layer, l) => {
    const about = `${layer.kind}${layer.activation ? `, ${layer.units} ${layer.activation}` : ""}`;
    const row = make("tr", {}, make("th", { scope: "row" }, layer.name, make("small", {}, about)));
    for (let k = 0; k < 3; k++) row.append(make("td"));
    body.append(row);
    panels.push((i) => cells(l, i).forEach((text, k) => (row.children[k + 1].textContent = text)));
  });
  get("layers").replaceChildren(make("caption", {}, "Layers, from the first to the last"), make("thead", {}, make("tr", {}, ...heads.map((t) => make("th", { scope: "col" }, t)))), body);
}
function drawWeights() {
  const box = get("weights");
  box.replaceChildren();
  layers.forEach((layer, l) => {
    const { ends, bars } = data.weights[l];
    const low = Math.min(...ends.map(([a]) => a));
    const high = Math.max(...ends.map(([, b]) => b));
    const bytes = atob(bars);
    const svg = draw("svg", { viewBox: "0 0 200 84", role: "img" });
    const x = (v) => 6 + ((v - low) / (high - low || 1)) * 188;
    const shape = draw("path", { class: "bar-of" });
    svg.append(shape, draw("path", { class: "axis", d: "M6,64 H194" }));
    for (const [v, anchor] of [[low, "start"], [high, "end"]]) svg.append(draw("text", { class: "tick", x: x(v), y: 78, "text-anchor": anchor }, number(v)));
    if (low < 0 && high > 0) svg.append(draw("path", { class: "grid", d: `M${x(0)},4 V68` }));
    if (x(0) > 50 && x(0) < 150) svg.append(draw("text", { class: "tick", x: x(0), y: 78, "text-anchor": "middle" }, "0"));
    box.append(make("figure", {}, make("figcaption", { title: layer.name }, layer.name), svg));
    panels.push((i) => {
      const [a, b] = ends[i];
      let path = "";
      for (let k = 0; k < data.bins; k++) {
        const height = (bytes.charCodeAt(i * data.bins + k) / 255) * 58;
        const [from, to] = [k, k + 1].map((n) => x(a + ((b - a) * n) / data.bins));
        if (height) path += `M${from.toFixed(1)},64 V${(64 - height).toFixed(1)} H${Math.max(to, from + 0.8).toFixed(1)} V64 Z`;
      }
      shape.setAttribute("d", path);
      svg.setAttribute("aria-label", `weights of ${layer.name}, from ${number(a)} to ${number(b)}`);
    });
  });
}
