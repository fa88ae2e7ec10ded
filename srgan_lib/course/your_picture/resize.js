// MATLAB's imresize(picture, factor, "bicubic"), bit for bit as srgan_lib/degradation.py has it.
//
// A picture is { rgb, width, height }, three bytes a pixel.

const keys = (x) => { // Keys' cubic kernel, a = -0.5
  const d = Math.abs(x);
  if (d <= 1) return (1.5 * d - 2.5) * (d * d) + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
};

// For each output pixel of one direction: the input pixels that it sees, mirrored at the edges, and their weights.
function taps(length, factor) {
  const stretch = Math.max(1 / factor, 1); // against aliasing: a wider kernel when shrinking
  return Array.from({ length: Math.ceil(length * factor) }, (_, i) => {
    const center = (i + 0.5) / factor - 0.5, first = Math.floor(center - 2 * stretch);
    const all = Array.from({ length: Math.ceil(4 * stretch) + 2 }, (_, k) => first + k);
    const seen = all.filter((k) => keys((center - k) / stretch) !== 0);
    const weights = seen.map((k) => keys((center - k) / stretch) / stretch);
    const sum = weights.reduce((a, b) => a + b);
    const mirror = (k) => {
      const around = ((k % (2 * length)) + 2 * length) % (2 * length);
      return around < length ? around : 2 * length - 1 - around;
    };
    return { pixels: seen.map(mirror), weights: weights.map((w) => w / sum) };
  });
}

const round = (value) => Math.min(Math.max(Math.floor(value + 0.5), 0), 255);

// The vertical direction first, rounded to bytes before the other one if `between`.
function imresize({ rgb, width, height }, factor, between = true) {
  const rows = taps(height, factor), columns = taps(width, factor), size = 3 * width;
  const out = { rgb: new Uint8Array(rows.length * columns.length * 3), width: columns.length, height: rows.length };
  const line = new Float64Array(size);
  let to = 0;
  for (const row of rows) {
    line.fill(0);
    row.pixels.forEach((y, k) => {
      const weight = row.weights[k], from = y * size;
      for (let i = 0; i < size; i++) line[i] += weight * rgb[from + i];
    });
    if (between) for (let i = 0; i < size; i++) line[i] = round(line[i]);
    for (const { pixels, weights } of columns) {
      let [red, green, blue] = [0, 0, 0];
      for (let k = 0; k < pixels.length; k++) {
        const at = 3 * pixels[k];
        red += weights[k] * line[at];
        green += weights[k] * line[at + 1];
        blue += weights[k] * line[at + 2];
      }
      out.rgb[to++] = round(red);
      out.rgb[to++] = round(green);
      out.rgb[to++] = round(blue);
    }
  }
  return out;
}
