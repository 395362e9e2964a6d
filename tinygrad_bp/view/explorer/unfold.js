// Unfolding a part in place, and folding it again

const openable = new Map(Object.entries(data.blocks));
const partName = (key) => key.split("/").at(-1);
// What lies in the same place afterwards: the block, or where it was.
function open(number, at, mark = null) {
  const from = (mark ?? frame).getBoundingClientRect();
  show(number, { at, scale: isFitted ? null : scale, from: mark && { x: from.left, y: from.top }, scroll: [frame.scrollLeft, frame.scrollTop] });
}
function unfold(key, mark) {
  const number = openable.get(key);
  if (number !== undefined) open(number, pictures[number].at, mark);
}
// What is open inside of it is folded with it.
function fold(key, mark) {
  const number = pictures.findIndex((one) => addressOf(one.opened) === addressOf(data.opened.slice(0, data.opened.indexOf(key))));
  open(number, pictures[number].nodes.findIndex((node) => node.block === key && !node.given), mark);
}
function toggle() {
  const own = steps[current].node?.block;
  if (own && openable.has(own)) unfold(own, groupOf(steps[current].node.id));
  else if (data.opened.length) fold(data.opened.at(-1));
}
const groupOf = (id) => document.querySelector(`#graph g[data-node="${id}"]`);
function pressable(element, label, act) {
  element.setAttribute("role", "button");
  element.setAttribute("tabindex", "0");
  element.setAttribute("aria-label", label);
  element.append(draw("title", {}, label));
  element.addEventListener("click", (event) => { event.stopPropagation(); act(); });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
}
function signAt(group, x, y, sign) {
  const mark = draw("g", { class: "mark fold" });
  mark.append(draw("circle", { cx: x, cy: y, r: 7.5 }), draw("text", { x, y: y + 4 }, sign));
  group.append(mark);
  return mark;
}
function listParts() {
  const buttons = [
    ...data.opened.map((key) => ["−", key, () => fold(key)]),
    ...[...openable.keys()].map((key) => ["+", key, () => unfold(key)]),
  ];
  get("parts").hidden = !buttons.length;
  for (const [sign, key, act] of buttons) {
    const word = sign === "+" ? "unfold" : "fold";
    const button = make("button", { type: "button", title: `${word} ${key}` }, `${sign} ${partName(key)}`);
    button.addEventListener("click", act);
    get("parts").append(make("li", {}, button));
  }
  for (const node of nodes) {
    const group = node.kind === "scope" && openable.has(node.block) && groupOf(node.id);
    if (!group) continue;
    const box = group.querySelector("path").getBBox();
    signAt(group, box.x + 2, box.y + box.height - 3, "+");
    pressable(group, `unfold ${node.name}`, () => unfold(node.block, group));
  }
  for (const cluster of document.querySelectorAll("#graph g.cluster")) {
    const title = cluster.querySelector("text").textContent.split(" / ");
    const key = [...openable.keys(), ...data.opened].find((one) => title.includes(partName(one)));
    if (key === undefined) continue;
    const [sign, word, act] = openable.has(key) ? ["+", "unfold", unfold] : ["−", "fold", fold];
    const box = cluster.querySelector("path").getBBox();
    const mark = signAt(cluster, box.x + box.width, box.y, sign);
    pressable(cluster, `${word} ${partName(key)}`, () => act(key, mark));
  }
}
function comeBack({ at, scale: before, from, scroll }) {
  if (before !== null) {
    isFitted = false;
    resize(before);
    [frame.scrollLeft, frame.scrollTop] = scroll;
  }
  go(forwardStep.get(at) ?? 0);
  const group = groupOf(at);
  if (group && from) {
    const now = group.getBoundingClientRect();
    [frame.scrollLeft, frame.scrollTop] = [frame.scrollLeft + now.left - from.x, frame.scrollTop + now.top - from.y];
  }
  get("parts").querySelector("button")?.focus({ preventScroll: true });
}
