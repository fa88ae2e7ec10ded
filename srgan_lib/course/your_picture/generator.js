// The generator of srgan_lib/models.py in a browser: 64 channels, x4, batch norm folded into the weights.
//
// Several workers can share a picture: each computes rows of it, and after every layer neighbors
// exchange the rows at their border, so that nothing is computed twice.

const SCALE = 4;
const TAIL = 9; // side of the last kernel, and of the first

class Generator {
  // weights: floats in the order of PyTorch's state_dict. network: its other facts, from networks.py.
  constructor(convolutions, weights, { blocks, mean, std, bicubic }) {
    Object.assign(this, { conv: convolutions, mean, std, bicubic });
    let at = 0;
    const take = (count) => weights.subarray(at, (at += count));
    const conv3x3 = (outputs) => convolutions.packWinograd(take(outputs * CHANNELS * 9), take(outputs));
    const block = () => ({ first: conv3x3(CHANNELS), slope: take(1)[0], second: conv3x3(CHANNELS) });
    this.head = convolutions.pack(take(CHANNELS * 3 * TAIL ** 2), take(CHANNELS), 3, TAIL, TAIL);
    this.headSlope = take(1)[0];
    this.blocks = Array.from({ length: blocks }, block);
    this.fuse = conv3x3(CHANNELS);
    this.upsample = [0, 1].map(() => ({ conv: this.packShuffled(take(4 * CHANNELS ** 2 * 9), take(4 * CHANNELS)), slope: take(1)[0] }));
    this.tail = this.packTail(take(3 * CHANNELS * TAIL ** 2));
    this.tailBias = take(3);
    if (at !== weights.length) throw new Error(`The network has ${weights.length} weights instead of ${at}.`);
    this.free = convolutions.top;
  }

  // PixelShuffle takes channel 4c + p for place p of pixel c; here each place's 64 lie together.
  packShuffled(weight, bias) {
    const size = CHANNELS * 9, order = Array.from(bias, (_, n) => (n % CHANNELS) * 4 + Math.floor(n / CHANNELS));
    const shuffled = new Float32Array(weight.length);
    order.forEach((from, to) => shuffled.set(weight.subarray(from * size, (from + 1) * size), to * size));
    return this.conv.packWinograd(shuffled, Float32Array.from(order, (from) => bias[from]));
  }

  // Of 3 output channels conv8 would waste 5. So each column of the 9x9 kernel becomes 3 channels of
  // a 9x1 convolution, 27 of 32, and `finish` adds up the columns where they belong.
  packTail(weight) {
    const columns = new Float32Array(32 * CHANNELS * TAIL);
    weight.forEach((value, n) => {
      const x = n % TAIL, rest = Math.floor(n / TAIL), perColor = CHANNELS * TAIL;
      columns[(3 * x + Math.floor(rest / perColor)) * perColor + (rest % perColor)] = value;
    });
    return this.conv.pack(columns, new Float32Array(32), CHANNELS, TAIL, 1);
  }

  // lr: Float32Array [height][width][3] in [0, 1], the whole picture. Enlarges its rows first to last
  // (not included); returns them as RGBA bytes. neighbors: { above, below }, where there are any.
  async enlarge(lr, width, height, first, last, neighbors = {}, progress = () => {}) {
    const { conv } = this, rows = last - first;
    const layers = 2 * this.blocks.length + 2; // of which each takes as long as 1 / 24 of `render`
    let done = 0;
    const advance = (part) => progress((done += part) / (layers + 24));
    conv.top = this.free;
    conv.reserve(width);
    const layer = async (kernel, from, to, options) => {
      conv.convolve3x3(kernel, from, to, options);
      await this.exchange(to, 1, neighbors);
      advance(1);
    };

    const [start, inner, x, y] = [0, 1, 2, 3].map(() => conv.picture(rows, width, CHANNELS, 3, 1));
    conv.convolve(this.head, this.input(lr, width, height, first, rows), start, { slope: this.headSlope });
    await this.exchange(start, 1, neighbors);
    advance(1);
    let [now, next] = [start, x];
    for (const block of this.blocks) {
      await layer(block.first, now, inner, { slope: block.slope });
      await layer(block.second, inner, next, { skip: now });
      [now, next] = [next, now === start ? y : now];
    }
    conv.convolve3x3(this.fuse, now, next, { skip: start });
    await this.exchange(next, 3, neighbors);
    advance(1);

    // Upsampling needs 16 times the memory, so it goes through the picture in strips.
    const out = new Uint8ClampedArray(SCALE ** 2 * width * rows * 4), mark = conv.top;
    const strip = Math.max(8, Math.floor(8192 / width));
    for (let top = 0; top < rows; top += strip) {
      const bottom = Math.min(top + strip, rows);
      const parts = this.render(next, top, bottom, Math.max(top - 2, -first), Math.min(bottom + 2, height - first));
      this.finish(parts, lr, width, height, first + top, out.subarray(SCALE ** 2 * width * top * 4));
      conv.top = mark;
      advance((24 * (bottom - top)) / rows);
      await null;
    }
    return out;
  }

  // Rows of LR, and 4 more on each side, in the value range that the network expects.
  input(lr, width, height, first, rows) {
    const picture = this.conv.picture(rows, width, 3, 4);
    for (let y = Math.max(-4, -first); y < Math.min(rows + 4, height - first); y++) {
      const row = this.conv.floats(this.conv.at(picture, y), width * 3);
      for (let i = 0; i < row.length; i++) row[i] = (lr[(first + y) * width * 3 + i] - this.mean[i % 3]) / this.std[i % 3];
    }
    return picture;
  }

  // Twice 3x3 with PixelShuffle, then the last convolution's columns: rows top to bottom of
  // `features`. Two more on each side, `from` and `to`, are what the last convolution sees of others.
  render(features, top, bottom, from, to) {
    const { conv } = this, [one, two] = this.upsample, rows = to - from, width = features.width;
    const twice = conv.picture(2 * rows, 2 * width, CHANNELS, 1);
    const four = conv.picture(4 * rows, 4 * width, CHANNELS, 4, 0);
    const parts = conv.picture(4 * (bottom - top), 4 * width, 32, 0, 4);
    conv.convolve3x3(one.conv, features, twice, { y: from, rows, slope: one.slope, shuffle: true });
    conv.convolve3x3(two.conv, twice, four, { slope: two.slope, shuffle: true });
    conv.convolve(this.tail, four, parts, { y: 4 * (top - from), rows: 4 * (bottom - top) });
    return parts;
  }

  // The last convolution's columns added up, and PyTorch's bicubic enlargement of LR where the network
  // is one that adds to it; as bytes. `top`: the first row of LR.
  finish(parts, lr, width, height, top, out) {
    const p = this.conv.floats(parts.address, parts.height * parts.row), line = new Float32Array(width * 3);
    for (let y = 0; y < parts.height; y++) {
      const vertical = BICUBIC[y % SCALE];
      line.fill(0);
      for (let k = 0; k < 4 && this.bicubic; k++) {
        const row = clip(top + (y >> 2) + vertical.first + k, height) * width * 3;
        for (let i = 0; i < line.length; i++) line[i] += vertical.weights[k] * lr[row + i];
      }
      for (let x = 0; x < SCALE * width; x++) {
        const { first, weights } = BICUBIC[x % SCALE], at = y * parts.row + x * 32;
        const to = (y * SCALE * width + x) * 4;
        for (let c = 0; c < 3; c++) {
          let value = this.tailBias[c];
          for (let k = 0; k < TAIL; k++) value += p[at + k * 32 + k * 3 + c];
          for (let k = 0; k < 4; k++) value += weights[k] * line[clip((x >> 2) + first + k, width) * 3 + c];
          out[to + c] = value * 255;
        }
        out[to + 3] = 255;
      }
    }
  }

  // The neighbors' rows into the border, and ours into theirs. They are in step: each waits for the other.
  async exchange(picture, rows, { above, below }) {
    const { conv } = this, size = rows * picture.row;
    const at = (y) => conv.floats(conv.at(picture, y, -picture.beside), size);
    above?.send(at(0).slice());
    below?.send(at(picture.height - rows).slice());
    if (above) at(-rows).set(await above.receive());
    if (below) at(picture.height).set(await below.receive());
  }
}

const clip = (index, length) => Math.min(Math.max(index, 0), length - 1);

// For each of 4 places in an LR pixel: the first of its four neighbors, and their weights. PyTorch's
// kernel (a = -0.75), not MATLAB's of resize.js (a = -0.5).
const BICUBIC = [0, 1, 2, 3].map((place) => {
  const a = -0.75, center = (place + 0.5) / SCALE - 0.5, first = Math.floor(center) - 1;
  const weights = [0, 1, 2, 3].map((k) => {
    const d = Math.abs(center - first - k);
    return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  });
  return { first, weights };
});
