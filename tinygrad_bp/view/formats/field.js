// The plane of two features: a field of bytes, row by row from the bottom left, and samples

function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}
// The colour of a share from 0 to 1: its hue, halfway to the paper at the ends.
function between(share, low, paper, high) {
  return tinted(paper, share < 0.5 ? low : high, Math.abs(2 * share - 1));
}
const tinted = (paper, hue, strength) => paper.map((c, k) => c + strength * 0.5 * (hue[k] - c));

function paintField(canvas, { side }, field, colourOf) {
  const small = new ImageData(side, side);
  [...atob(field)].forEach((byte, k) => {
    const place = 4 * ((side - 1 - Math.floor(k / side)) * side + (k % side));
    small.data.set([...colourOf(byte.charCodeAt(0)), 255], place);
  });
  const scratch = document.createElement("canvas");
  scratch.width = scratch.height = side;
  scratch.getContext("2d").putImageData(small, 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = true;
  context.drawImage(scratch, 0, 0, canvas.width, canvas.height);
}
// The line along which a field has a level, cell by cell between its points.
function paintContour(canvas, { side }, field, level) {
  const bytes = [...atob(field)].map((byte) => byte.charCodeAt(0) - level);
  const at = (c, r) => [(c / (side - 1)) * canvas.width, (1 - r / (side - 1)) * canvas.height];
  const context = canvas.getContext("2d");
  context.strokeStyle = `rgb(${colour("text").join(",")})`;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let r = 0; r + 1 < side; r++) {
    for (let c = 0; c + 1 < side; c++) {
      const corners = [[c, r], [c + 1, r], [c + 1, r + 1], [c, r + 1]];
      const heights = corners.map(([i, j]) => bytes[j * side + i]);
      const ends = [];
      corners.forEach(([i, j], k) => {
        const [here, there] = [heights[k], heights[(k + 1) % 4]];
        if (here < 0 === there < 0) return;
        const part = here / (here - there);
        const [i2, j2] = corners[(k + 1) % 4];
        ends.push(at(i + part * (i2 - i), j + part * (j2 - j)));
      });
      for (let k = 0; k + 1 < ends.length; k += 2) {
        context.moveTo(...ends[k]);
        context.lineTo(...ends[k + 1]);
      }
    }
  }
  context.stroke();
  context.lineWidth = 1;
}
// Circles for the first class, triangles for the second, squares and diamonds for others.
const SHAPES = [
  null,
  [[0, -5], [5, 4], [-5, 4]],
  [[-4, -4], [4, -4], [4, 4], [-4, 4]],
  [[0, -6], [5, 0], [0, 6], [-5, 0]],
];
function paintPoints(canvas, { points, labels, bounds, shaped = true }, hueOf) {
  const context = canvas.getContext("2d");
  const [left, right, bottom, top] = bounds;
  context.strokeStyle = `rgb(${colour("text").join(",")})`;
  points.forEach(([px, py], k) => {
    const x = ((px - left) / (right - left)) * canvas.width;
    const y = canvas.height - ((py - bottom) / (top - bottom)) * canvas.height;
    context.fillStyle = `rgb(${hueOf(labels[k]).join(",")})`;
    context.beginPath();
    const corners = shaped ? SHAPES[labels[k] % SHAPES.length] : null;
    if (corners) {
      for (const [dx, dy] of corners) context.lineTo(x + dx, y + dy);
      context.closePath();
    } else context.arc(x, y, 4, 0, 7);
    context.fill();
    context.stroke();
  });
}
