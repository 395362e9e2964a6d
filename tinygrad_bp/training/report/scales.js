// Scales: from numbers to pixels

const { frames, layers, findings } = data;
const observed = layers.length > 0;
const finite = (v) => typeof v === "number" && Number.isFinite(v);

// "1, 2, 5, 10": round numbers from low to high, about so many.
function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}
function logTicks(low, high) {
  const found = [];
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first) / 6));
  for (let p = first; p <= last; p += every) {
    for (const k of last - first <= 3 ? [1, 2, 5] : [1]) found.push(Number((k * 10 ** p).toPrecision(3)));
  }
  const inside = found.filter((v) => v >= low * 0.999 && v <= high * 1.001);
  return inside.length > 1 ? inside : ticks(low, high, 4);
}
// Epochs across: the start is epoch 0, so that a logarithm needs one more.
const firstEpoch = observed ? Math.min(frames[0], 1) : 1;
const lastEpoch = Math.max(data.epochs, firstEpoch + 1);
let logarithmic = data.epochs > 100;
function share(epoch) {
  if (!logarithmic) return (epoch - firstEpoch) / (lastEpoch - firstEpoch);
  const [low, high] = [Math.log(firstEpoch + 1), Math.log(lastEpoch + 1)];
  return (Math.log(epoch + 1) - low) / (high - low);
}
function epochAt(part) {
  if (!logarithmic) return firstEpoch + part * (lastEpoch - firstEpoch);
  const [low, high] = [Math.log(firstEpoch + 1), Math.log(lastEpoch + 1)];
  return Math.exp(low + part * (high - low)) - 1;
}
function epochTicks(width) {
  const found = logarithmic ? [0, 1, 2, 5] : ticks(firstEpoch, lastEpoch, Math.max(2, width / 90)).filter(Number.isInteger);
  if (logarithmic) for (let p = 10; p <= lastEpoch; p *= 10) found.push(p, 2 * p, 5 * p);
  const kept = [lastEpoch];
  for (const epoch of found.filter((e) => e >= firstEpoch && e < lastEpoch).reverse()) {
    const last = kept[kept.length - 1];
    const room = 14 + 4 * (String(epoch).length + String(last).length);
    if ((share(last) - share(epoch)) * width >= room) kept.push(epoch);
  }
  return kept;
}
const nearest = (epoch) => frames.reduce((best, e, i) => (Math.abs(share(e) - share(epoch)) < Math.abs(share(frames[best]) - share(epoch)) ? i : best), 0);
