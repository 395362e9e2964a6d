// Stepping through the frames

let current = 0;
let playing = 0;
const epochName = (i) => (frames[i] === 0 ? "the start" : `epoch ${frames[i]}`);

function told(i) {
  const epoch = frames[i];
  const place = data.x.reduce((best, e, k) => (Math.abs(e - epoch) < Math.abs(data.x[best] - epoch) ? k : best), 0);
  const numbers = data.x[place] === epoch
    ? data.charts.flatMap(({ title, series }) => series.map(({ part, values }) => `${part === "train" ? "" : `${part} `}${title} ${number(values[place])}`))
    : observed ? [`loss ${number(data.losses[i])} of the rows looked at`] : [];
  return `${epochName(i)}${epoch === data.kept ? " (kept)" : ""}: ${numbers.join(", ")}`;
}
function show(i) {
  current = Math.min(Math.max(i, 0), frames.length - 1);
  const slider = get("frame");
  slider.value = current;
  slider.setAttribute("aria-valuetext", epochName(current));
  get("status").textContent = told(current);
  get("moment-title").textContent = `At ${epochName(current)}`;
  get("weights-title").textContent = `Weights at ${epochName(current)}`;
  for (const id of ["first", "back"]) get(id).disabled = current === 0;
  for (const id of ["last", "next"]) get(id).disabled = current === frames.length - 1;
  for (const update of panels) update(current);
  drawPlane(current);
}
function drawAll() {
  drawTimeline();
  drawLayers();
  drawWeights();
  show(current);
}
function play(on) {
  clearInterval(playing);
  playing = 0;
  if (on) {
    if (current === frames.length - 1) show(0);
    playing = setInterval(() => (current < frames.length - 1 ? show(current + 1) : play(false)), 120);
  }
  get("play").setAttribute("aria-pressed", String(on));
  get("play").lastChild.textContent = on ? "pause" : "play";
}
const toKept = () => show(nearest(data.kept ?? data.epochs));
const jumps = {
  ArrowRight: () => show(current + 1), ArrowLeft: () => show(current - 1),
  Home: () => show(0), End: () => show(frames.length - 1), k: toKept, K: toKept,
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "INPUT") return;
  if (event.key === " " && !event.target.closest("button")) {
    event.preventDefault();
    play(!playing);
  } else if (event.key in jumps) {
    event.preventDefault();
    play(false);
    jumps[event.key]();
  }
});
for (const [id, key] of [["first", "Home"], ["back", "ArrowLeft"], ["next", "ArrowRight"], ["last", "End"], ["to-kept", "k"]]) {
  get(id).addEventListener("click", () => {
    play(false);
    jumps[key]();
  });
}
get("play").addEventListener("click", () => play(!playing));
get("frame").addEventListener("input", (event) => show(Number(event.target.value)));
get("log").addEventListener("change", (event) => {
  logarithmic = event.target.checked;
  drawAll();
});
for (const button of document.querySelectorAll("[data-epoch]")) {
  button.hidden = false;
  button.addEventListener("click", () => show(nearest(Number(button.dataset.epoch))));
}

get("report").hidden = false;
get("log").checked = logarithmic;
get("frame").max = frames.length - 1;
get("rows").textContent = String(data.rows ?? "");
for (const id of ["terms", "weights-section", "moment"]) get(id).hidden = !observed;
get("to-kept").hidden = data.kept === null;
if (!observed) document.querySelector(".stage").classList.add("alone");
explainPlane();
drawAll();
toKept();
let width = get("timeline").clientWidth;
window.addEventListener("resize", () => {
  if (get("timeline").clientWidth === width) return;
  width = get("timeline").clientWidth;
  drawAll();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(current));
