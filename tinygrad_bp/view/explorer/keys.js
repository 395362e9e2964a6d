// Keys and pointers

function moveInMatrix(td, key) {
  const row = td.parentElement;
  const column = [...row.children].indexOf(td);
  const rows = [...td.closest("table").rows];
  const place = rows.indexOf(row);
  const other = {
    ArrowRight: td.nextElementSibling,
    ArrowLeft: td.previousElementSibling,
    ArrowDown: place + 1 < rows.length && rows[place + 1].children[column],
    ArrowUp: place > 0 && rows[place - 1].children[column],
    Home: row.firstElementChild,
    End: row.lastElementChild,
  }[key];
  if (other) {
    if (isHidden(other)) showRows();
    td.tabIndex = -1;
    other.tabIndex = 0;
    other.focus();
  }
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === "INPUT") return;
  const td = event.target.closest("td.number");
  if (td && event.key === "Escape") {
    td.blur();
    return;
  }
  if (td && /^(Arrow|Home|End)/.test(event.key)) {
    event.preventDefault();
    moveInMatrix(td, event.key);
    return;
  }
  if (frameKey(event)) {
    event.preventDefault();
    return;
  }
  const jumps = {
    ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: steps.length - 1,
    f: firstForward, F: firstForward, b: firstBackward, B: firstBackward,
  };
  if (event.key in jumps) {
    event.preventDefault();
    go(jumps[event.key]);
  }
  if (event.key === "u" || event.key === "U") toggle();
}, { signal });
for (const kind of ["mouseover", "focusin"]) {
  document.addEventListener(kind, (event) => {
    const td = event.target.closest && event.target.closest("#now td.number");
    if (td && ["value", "ct"].includes(td.dataset.role)) trace(td);
  }, { signal });
}
get("first").addEventListener("click", () => go(0));
get("back").addEventListener("click", () => go(current - 1));
get("next").addEventListener("click", () => go(current + 1));
get("last").addEventListener("click", () => go(steps.length - 1));
get("forward").addEventListener("click", () => go(firstForward));
get("backward").addEventListener("click", () => go(firstBackward));
get("step").addEventListener("input", (event) => go(Number(event.target.value)));
get("graph").addEventListener("click", (event) => {
  const mark = event.target.closest("[data-gradient]");
  if (mark) {
    go(backwardStep.get(Number(mark.dataset.gradient)));
    return;
  }
  const group = event.target.closest("[data-node]");
  if (!group) return;
  go(forwardStep.get(Number(group.dataset.node)) ?? 0);
});

get("explorer").hidden = false;
get("step").max = steps.length - 1;
get("backward").disabled = firstBackward === steps.length;
get("graph-section").hidden = !get("graph").firstElementChild;
const walked = nodes.filter((node) => node.kind === "cotangent").length;
const operations = nodes.filter((node) => !node.given).length - walked;
get("lead").textContent = `${operations} operations forward, ${walked || steps.length - firstBackward} gradients back. Step through them with the arrow keys.`;
drawLegend();
drawOrder();
listChecks();
startTraining();
markGradients();
startPanning();
listNames();
window.addEventListener("hashchange", () => (askedFor() === data.number ? openAddress() : show(askedFor())), { signal });
phone.addEventListener("change", () => show(data.number), { signal });
listParts();
fit();
if (data.place?.find) find(data.place.find);
else if (data.place) comeBack(data.place);
else openAddress();
