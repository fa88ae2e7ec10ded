// Convolutions on the CPU, by conv.c: pictures and kernels in WebAssembly's memory.
//
// A picture is floats [row][column][channel] with a border of zeros, which is a convolution's padding.

const CHANNELS = 64; // of every layer but the first and the last; conv.c is made for it
const TILES = 16; // values of a 4x4 tile: see Winograd in conv.c

class Convolutions {
  static async load(wasm) {
    const memory = new WebAssembly.Memory({ initial: 16 });
    const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } });
    return new Convolutions(memory, instance.exports);
  }

  constructor(memory, { conv8, to_tiles, from_tiles }) {
    Object.assign(this, { memory, conv8, toTiles: to_tiles, fromTiles: from_tiles });
    this.top = 65536; // what is free begins here; the C code's own stack is below
    this.noBias = this.allocate(8);
  }

  // Memory: addresses in bytes, taken one after the other and given back by setting `top`.
  allocate(count) {
    const address = this.top;
    this.top += 4 * count;
    const missing = this.top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
    this.floats(address, count).fill(0);
    return address;
  }

  floats(address, count) {
    return new Float32Array(this.memory.buffer, address, count);
  }

  picture(height, width, channels, above, beside = above) {
    const row = (width + 2 * beside) * channels;
    return { address: this.allocate((height + 2 * above) * row), height, width, channels, above, beside, row };
  }

  at(picture, y, x = 0) {
    return picture.address + 4 * ((y + picture.above) * picture.row + (x + picture.beside) * picture.channels);
  }

  // Working memory for 3x3 convolutions of pictures so wide: a few rows of tiles at a time.
  reserve(width) {
    this.tilesAtOnce = Math.max(64, 2 * width);
    [this.tiles, this.products] = [0, 1].map(() => this.allocate(TILES * CHANNELS * this.tilesAtOnce));
  }

  // A kernel as conv8 reads it, [outputs / 8][row][column][input][8], then the biases.
  // weight: [output][input][row][column], as PyTorch has it.
  pack(weight, bias, inputs, rows, columns) {
    const outputs = bias.length, run = columns * inputs, size = rows * run;
    const address = this.allocate(outputs * (size + 1)), packed = this.floats(address, outputs * (size + 1));
    let from = 0;
    for (let output = 0; output < outputs; output++) {
      const group = (output >> 3) * size * 8 + (output & 7);
      for (let input = 0; input < inputs; input++) {
        for (let y = 0; y < rows; y++) {
          for (let x = 0; x < columns; x++) packed[group + (y * run + x * inputs + input) * 8] = weight[from++];
        }
      }
    }
    packed.set(bias, outputs * size);
    return { address, bias: address + 4 * outputs * size, outputs, rows, columns, run };
  }

  // A 3x3 kernel g as G g G^T of 4x4 values: [outputs / 64][4 * row + column][8 groups][input][8].
  packWinograd(weight, bias) {
    const outputs = bias.length, size = TILES * CHANNELS;
    const address = this.allocate(outputs * (size + 1)), packed = this.floats(address, outputs * (size + 1));
    const stretch = (a, b, c) => [a, (a + b + c) / 2, (a - b + c) / 2, c];
    for (let output = 0; output < outputs; output++) {
      for (let input = 0; input < CHANNELS; input++) {
        const g = weight.subarray((output * CHANNELS + input) * 9, (output * CHANNELS + input + 1) * 9);
        const columns = [0, 1, 2].map((x) => stretch(g[x], g[x + 3], g[x + 6]));
        for (let y = 0; y < 4; y++) {
          stretch(columns[0][y], columns[1][y], columns[2][y]).forEach((value, x) => {
            const group = ((output >> 6) * TILES + 4 * y + x) * 8 + ((output & 63) >> 3);
            packed[(group * CHANNELS + input) * 8 + (output & 7)] = value;
          });
        }
      }
    }
    packed.set(bias, outputs * size);
    return { address, bias: address + 4 * outputs * size, outputs };
  }

  // Rows y to y + rows of a picture of any channels, convolved. slope: PReLU's; skip: added at the end.
  convolve(kernel, from, to, { y = 0, rows = from.height, slope = 1, skip = null } = {}) {
    const corner = this.at(from, y - (kernel.rows >> 1), -(kernel.columns >> 1));
    for (let output = 0; output < kernel.outputs; output += 8) {
      const weights = kernel.address + 4 * output * kernel.rows * kernel.run;
      this.conv8(corner, from.row, from.channels, kernel.rows, kernel.run, weights, kernel.bias + 4 * output,
        this.at(to, 0) + 4 * output, to.row, to.channels, from.width, rows, skip ? this.at(skip, 0) + 4 * output : 0, slope);
    }
  }

  // The same with 3x3 and 64 channels. shuffle: of 256 outputs become 64 of 2x2 pixels (PixelShuffle).
  convolve3x3(kernel, from, to, { y = 0, rows = from.height, slope = 1, skip = null, shuffle = false } = {}) {
    const wide = (from.width + 1) >> 1, times = shuffle ? 2 : 1;
    const step = 2 * Math.max(1, Math.floor(this.tilesAtOnce / wide));
    for (let start = 0; start < rows; start += step) {
      const now = Math.min(step, rows - start), high = (now + 1) >> 1, plane = wide * high;
      this.toTiles(this.at(from, y + start - 1, -1), from.row, this.tiles, wide, high);
      for (let part = 0; part < kernel.outputs / CHANNELS; part++) {
        for (let place = 0; place < TILES; place++) {
          for (let group = 0; group < 8; group++) { // every tile is one "pixel" of a 1x1 convolution
            const weights = kernel.address + 4 * ((part * TILES + place) * 8 + group) * CHANNELS * 8;
            this.conv8(this.tiles + 4 * place * plane * CHANNELS, 0, CHANNELS, 1, CHANNELS, weights, this.noBias,
              this.products + 4 * (place * plane * CHANNELS + 8 * group), 0, CHANNELS, plane, 1, 0, 1);
          }
        }
        this.fromTiles(this.products, wide, high, kernel.bias + 4 * part * CHANNELS,
          this.at(to, times * start + (part >> 1), part & 1), to.row * times, to.channels * times, from.width, now,
          skip ? this.at(skip, start) : 0, slope);
      }
    }
  }
}
