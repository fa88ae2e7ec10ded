// A worker answers the page, message by message: it reads pictures, or runs rows of a network.

const HALF = Float32Array.from({ length: 1 << 16 }, (_, bits) => { // every float16 as a number
  const sign = bits >> 15 ? -1 : 1, exponent = (bits >> 10) & 31, fraction = bits & 1023;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
});

function fromBase64(text) { // loops, because `from` takes a callback for each of three million
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

function fromHalf(bytes) {
  const halves = new Uint16Array(bytes.buffer), floats = new Float32Array(halves.length);
  for (let i = 0; i < floats.length; i++) floats[i] = HALF[halves[i]];
  return floats;
}

// The other end of a channel to a neighbor; what comes early waits.
function neighbor(port) {
  const arrived = [], waiting = [];
  port.onmessage = ({ data }) => (waiting.length ? waiting.shift()(data) : arrived.push(data));
  return {
    send: (floats) => port.postMessage(floats, [floats.buffer]),
    receive: () => new Promise((resolve) => (arrived.length ? resolve(arrived.shift()) : waiting.push(resolve))),
  };
}

const answers = {
  async read({ file, way, side }) {
    const { notes, ...pictures } = await readPicture(file, way, side);
    self.original = pictures.original;
    return { notes, lr: pictures.lr, pictures: await Promise.all(Object.entries(pictures).filter(([, picture]) => picture).map(describe)) };
  },

  async finish({ name, picture }) {
    return describe([name, picture]);
  },

  async enlarge({ wasm, weights, network, lr, first, last, above, below }) {
    const generator = new Generator(await Convolutions.load(fromBase64(wasm)), fromHalf(fromBase64(weights)), network);
    const unit = Float32Array.from(lr.rgb, (value) => value / 255);
    const neighbors = { above: above && neighbor(above), below: below && neighbor(below) };
    const progress = (share) => postMessage({ progress: share });
    const rgba = await generator.enlarge(unit, lr.width, lr.height, first, last, neighbors, progress);
    return { rgba: isGray(lr.rgb) ? withoutColor(rgba) : rgba };
  },
};

// Gray stays gray, as in srgan_lib.inference: each pixel gets the Y of what the network made of it.
const isGray = (rgb) => rgb.every((value, i) => value === rgb[i - (i % 3)]);

function withoutColor(rgba) {
  for (let i = 0; i < rgba.length; i += 4) {
    rgba.fill(0.299 * rgba[i] + 0.587 * rgba[i + 1] + 0.114 * rgba[i + 2], i, i + 3);
  }
  return rgba;
}

async function describe([name, picture]) {
  const { original } = self, { width, height } = picture;
  const scored = original && picture !== original && name !== "lr";
  return { name, width, height, png: await toPng(picture), psnr: scored ? psnr(picture, original) : null };
}

onmessage = async ({ data: { ask, ...question } }) => {
  try {
    const answer = await answers[ask](question);
    postMessage(answer, answer.rgba ? [answer.rgba.buffer] : []);
  } catch (error) {
    postMessage({ error: error instanceof Complaint ? error.message : `The browser could not do it (${error.message}).` });
  }
};
