// The drawing in its frame: as large as fits, larger, smaller, and moved

// Letters of 12 pixels are not drawn smaller than 6.6, or 9 on a phone, as far as it is up to us.
const LEGIBLE = phone.matches ? 0.75 : 0.55;
const LARGEST = 4;
const STEP = 1.25;
const NEAR = 10;  // pixels: what is that far inside of the frame is in view
const PAN = 60;
const frame = get("graph");
const figure = frame.querySelector("svg");
let scale = 1;
let isFitted = true;  // nobody asked for another size
const isBeside = () => getComputedStyle(document.querySelector(".stage")).display === "grid";

// The graph and the step end where the screen does.
function makeRoom() {
  const stage = document.querySelector(".stage");
  const room = window.innerHeight - stage.getBoundingClientRect().top - window.scrollY - 12;
  stage.style.setProperty("--room", `${Math.max(360, room)}px`);
}
// How much the whole drawing is shrunk in its frame, and how much its width.
function shares() {
  const section = get("graph-section");
  const { width, height } = figure.viewBox.baseVal;
  const other = section.offsetHeight - frame.offsetHeight;
  const tallest = parseFloat(getComputedStyle(isBeside() ? section : frame).maxHeight);
  const room = tallest - (isBeside() ? other : 0);
  const across = Math.min(1, frame.clientWidth / width);
  return { whole: Math.min(across, room / height), across };
}
// Gives the drawing a size; the point of the frame where it is asked for keeps its place.
function resize(next, x = frame.clientWidth / 2, y = frame.clientHeight / 2) {
  const [u, v] = [(frame.scrollLeft + x) / scale, (frame.scrollTop + y) / scale];
  scale = next;
  const { width, height } = figure.viewBox.baseVal;
  [figure.style.width, figure.style.height] = [`${width * scale}px`, `${height * scale}px`];
  [frame.scrollLeft, frame.scrollTop] = [u * scale - x, v * scale - y];
}
function zoom(factor, x, y) {
  if (!figure) return;
  isFitted = false;
  resize(Math.min(LARGEST, Math.max(shares().whole, scale * factor)), x, y);
}
function showWhole() {
  if (!figure) return;
  isFitted = true;
  resize(shares().whole);
}
// The whole, or what one can read of it: the node of the step is kept in view.
function fit() {
  makeRoom();
  if (!figure || !isFitted) return;
  for (let turn = 0; turn < 2; turn++) {  // again, beside a scroll bar that there is by now
    const { whole, across } = shares();
    resize(whole < LEGIBLE ? across : whole);
  }
}
function keepInView(box, selector) {
  const found = box.querySelector(selector);
  if (!found) return;
  const inner = found.getBoundingClientRect();
  const outer = box.getBoundingClientRect();
  const off = (begin, end, low, high) => (begin >= low + NEAR && end <= high - NEAR ? 0 : (begin + end - low - high) / 2);
  if (box.scrollWidth > box.clientWidth) box.scrollLeft += off(inner.left, inner.right, outer.left, outer.right);
  if (box.scrollHeight > box.clientHeight) box.scrollTop += off(inner.top, inner.bottom, outer.top, outer.bottom);
}
// What is larger than its frame is moved with the pointer, or with the arrows and Shift.
function startPanning() {
  let from = null;
  frame.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && !event.target.closest("[data-node]")) from = [event.clientX + frame.scrollLeft, event.clientY + frame.scrollTop];
  });
  window.addEventListener("pointermove", (event) => {
    if (from) [frame.scrollLeft, frame.scrollTop] = [from[0] - event.clientX, from[1] - event.clientY];
  }, { signal });
  window.addEventListener("pointerup", () => (from = null), { signal });
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const { left, top } = frame.getBoundingClientRect();
    zoom(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX - left, event.clientY - top);
  }, { passive: false });
  get("closer").addEventListener("click", () => zoom(STEP));
  get("farther").addEventListener("click", () => zoom(1 / STEP));
  get("whole").addEventListener("click", showWhole);
  window.addEventListener("resize", fit, { signal });
}
const sizes = { "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: showWhole };
const moves = { ArrowRight: [PAN, 0], ArrowLeft: [-PAN, 0], ArrowDown: [0, PAN], ArrowUp: [0, -PAN] };
function frameKey(event) {
  const act = event.shiftKey && moves[event.key] ? () => frame.scrollBy(...moves[event.key]) : sizes[event.key];
  if (act) act();
  return Boolean(act);
}
// Numbers of a step that would reach below the screen, or out of their panel, are written smaller, as far
// as one reads them; then the first rows alone are shown, until one asks for a number of the others.
const SMALLEST = "0.64rem";
const CELLS = [["", "", ""], ["0.72rem", "1.25", ""], [SMALLEST, "1.15", ""], [SMALLEST, "1.15", "5"], [SMALLEST, "1.15", "2"]];
function shrinkStep() {
  const section = get("now-section");
  for (const [size, line, rows] of CELLS) {
    section.style.setProperty("--cell", size);
    section.style.setProperty("--cell-line", line);
    section.dataset.rows = rows;
    const wide = size !== SMALLEST && [...section.querySelectorAll("figure")].some((one) => one.scrollWidth > one.clientWidth);
    if (!isBeside() || (section.scrollHeight <= section.clientHeight && !wide)) return;
  }
}
const isHidden = (td) => td.offsetParent === null;
function showRows() {
  get("now-section").dataset.rows = "";
}
