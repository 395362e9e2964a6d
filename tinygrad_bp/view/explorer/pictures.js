// The pictures of the page: the folded graph, and it again with a part open. Each starts the page anew.

const pictures = [data, ...data.unfolded];
const untouched = document.getElementById("explorer").cloneNode(true);
const phone = window.matchMedia("(max-width: 560px)");
const addressOf = (opened) => opened.join(" > ");
let stop = new AbortController();
const nameOf = (text) => text.replace(/\[[\d,]*\]$/, "");
// The first picture with a node or gradient of this name: what is in a folded part is in none before.
const pictureOf = (name) => pictures.findIndex((one) => one.nodes.some((node) => node.name === name || node.d === name));
function askedFor() {
  if (location.hash.length < 2 && data.focus) return Math.max(0, pictureOf(nameOf(data.focus)));
  const open = new URLSearchParams(location.hash.slice(1).replace(/\+/g, "%2B")).get("open") ?? "";
  return Math.max(0, pictures.findIndex((one) => addressOf(one.opened) === open));
}
function show(number, place = null) {
  stop.abort();  // what the picture before has asked of the document and the window
  stop = new AbortController();
  const [x, y] = [window.scrollX, window.scrollY];
  const main = untouched.cloneNode(true);
  const drawing = document.querySelector(`template[data-${phone.matches ? "narrow" : "wide"}="${number}"]`);
  main.querySelector("#graph").replaceChildren(drawing.content.cloneNode(true));
  document.getElementById("explorer").replaceWith(main);
  const notes = pictures[number].notes.map((note) => Object.assign(document.createElement("li"), { textContent: note }));
  document.getElementById("notes").replaceChildren(...notes);
  run({ ...pictures[number], number, place, training: data.training, focus: data.focus }, stop.signal);
  window.scrollTo(x, y);
}
