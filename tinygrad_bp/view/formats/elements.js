const data = JSON.parse(document.getElementById("data").textContent);
const get = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

// Elements are made, never written as markup: a name is text whatever it holds.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
function draw(tag, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

// Four significant digits, as number_text in labels.py.
function number(value) {
  if (!Number.isFinite(value)) return complex(String(value));
  const size = Math.abs(value);
  if (size && !(size >= 1e-4 && size < 999999.5)) {
    const [mantissa, power] = value.toExponential(2).split("e");
    const short = mantissa.replace(/0+$/, "").replace(/\.$/, "");
    const digits = power.slice(1).padStart(2, "0");
    return `${short}e${power[0]}${digits}`;
  }
  const power = size ? Number(size.toExponential().split("e")[1]) : 0;
  let text = value.toFixed(Math.max(3 - power, 0));
  if (text.includes(".")) text = text.replace(/0+$/, "").replace(/\.$/, "");
  return text === "-0" ? "0" : text;
}
// "(1.5-0.25j)", as Python writes it; other texts, such as "nan", stay.
function complex(text) {
  const parts = /^\(?(?:(.*[^e(+-])(?=[+-]))?([+-]?[^+-]+(?:e[+-]?\d+)?)j\)?$/.exec(text);
  if (!parts) return text;
  const [real, imaginary] = [parts[1] || "0", parts[2]].map((part) => (/\d/.test(part) ? number(Number(part)) : part));
  return `${real}${/^[+-]/.test(imaginary) ? "" : "+"}${imaginary}j`;
}
