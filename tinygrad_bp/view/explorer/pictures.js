// The pictures of the page: the folded graph, and it again with a part open. Each starts the page anew.

const pictures = [data, ...data.unfolded];
const untouched = document.getElementById("explorer").cloneNode(true);
const addressOf = (opened) => opened.join(" > ");
let stop = new AbortController();
function askedFor() {
  const open = new URLSearchParams(location.hash.slice(1).replace(/\+/g, "%2B")).get("open") ?? "";
  return Math.max(0, pictures.findIndex((one) => addressOf(one.opened) === open));
}
function show(number, place = null) {
  stop.abort();  // what the picture before has asked of the document and the window
  stop = new AbortController();
  const [x, y] = [window.scrollX, window.scrollY];
  const main = untouched.cloneNode(true);
  const drawing = document.querySelector(`template[data-picture="${number}"]`);
  if (drawing) main.querySelector("#graph").replaceChildren(drawing.content.cloneNode(true));
  document.getElementById("explorer").replaceWith(main);
  const notes = pictures[number].notes.map((note) => Object.assign(document.createElement("li"), { textContent: note }));
  document.getElementById("notes").replaceChildren(...notes);
  run({ ...pictures[number], number, place, training: data.training, focus: data.focus }, stop.signal);
  window.scrollTo(x, y);
}
