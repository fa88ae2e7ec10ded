// A file becomes LR, bicubic and, where LR is made from it, the original; and pictures become PNG.
//
// It runs in a worker. What a person can mend is a Complaint: one sentence, which the page shows.

const SMALLEST = 8; // LR's side, for the networks
const MEGAPIXELS = 64;
const BORDER = 4; // pixels left out of PSNR, as in srgan_lib.evaluation

class Complaint extends Error {}

// What the file's first bytes say: "" or a word.
function fileKind(bytes) {
  const text = String.fromCharCode(...bytes.subarray(0, 4096));
  const png = text.startsWith("\x89PNG");
  if (png && bytes[24] === 16) return "deep";
  if (/^....ftyp(heic|heix|mif1|hevc)/s.test(text)) return "heic";
  const webp = text.startsWith("RIFF") && text.slice(8, 16) === "WEBPVP8X" && bytes[20] & 2;
  const gif = text.startsWith("GIF8") && text.includes("NETSCAPE2.0");
  return webp || gif || (png && text.includes("acTL")) ? "animated" : "";
}

async function decode(file, kind) {
  if (!file.size) throw new Complaint("The file is empty: copy or download it again.");
  if (kind === "deep") throw new Complaint("The picture has more than 8 bits a channel: convert it to 8 bits first.");
  try {
    return await createImageBitmap(file); // upright, as EXIF says
  } catch {
    throw new Complaint(kind === "heic"
      ? "This browser cannot read HEIC: save the photograph as JPEG."
      : "The browser cannot read this file as a picture, or it is damaged: give a JPEG, PNG or WebP.");
  }
}

// Pixels of a part of it; where it is transparent, on white.
function pixels(bitmap, left, top, width, height) {
  const rgb = new Uint8Array(width * height * 3), most = 256; // rows at a time, for the memory
  const canvas = new OffscreenCanvas(width, Math.min(most, height));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  let to = 0;
  for (let y = 0; y < height; y += most) {
    context.fillRect(0, 0, width, most);
    context.drawImage(bitmap, -left, -top - y);
    const { data } = context.getImageData(0, 0, width, Math.min(most, height - y));
    for (let i = 0; i < data.length; i += 4) {
      rgb[to++] = data[i];
      rgb[to++] = data[i + 1];
      rgb[to++] = data[i + 2];
    }
  }
  return { rgb, width, height };
}

function isTransparent(bitmap) { // seen in a copy of at most 512 pixels a side
  const shrink = Math.min(1, 512 / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * shrink)));
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return true;
  return false;
}

function crop({ rgb, width }, wide, high) { // the upper left part
  const out = new Uint8Array(wide * high * 3);
  for (let y = 0; y < high; y++) out.set(rgb.subarray(y * width * 3, (y * width + wide) * 3), y * wide * 3);
  return { rgb: out, width: wide, height: high };
}

// way: "shrink" (LR is made of it) or "enlarge" (LR is its own pixels); side: of LR, at most.
// Returns { lr, bicubic, original or null, notes }.
async function readPicture(file, way, side) {
  const kind = fileKind(new Uint8Array(await file.slice(0, 4096).arrayBuffer()));
  const bitmap = await decode(file, kind), { width, height } = bitmap, size = `${width}x${height} pixels`;
  const least = way === "shrink" ? 4 * SMALLEST : SMALLEST;
  if (Math.min(width, height) < least) {
    throw new Complaint(`The picture has ${size}, and ${least}x${least} are the least: take a larger one.`);
  }
  if (width * height > MEGAPIXELS * 1e6) {
    throw new Complaint(`The picture has ${Math.round(width * height / 1e6)} megapixels, more than ${MEGAPIXELS}: crop it or scale it down first.`);
  }
  const notes = [];
  if (kind === "animated") notes.push("It is animated: this is its first picture.");
  if (isTransparent(bitmap)) notes.push("It is transparent: it was put on white.");
  let original = null, lr;
  if (way === "shrink") {
    const factor = Math.min(1, (4 * side) / Math.max(width, height));
    const whole = pixels(bitmap, 0, 0, width, height), fitting = factor < 1 ? imresize(whole, factor) : whole;
    const [wide, high] = [fitting.width, fitting.height].map((length) => length - (length % 4));
    if (Math.min(wide, high) < least) {
      throw new Complaint(`The picture of ${size} is too narrow to be shrunk: crop it first.`);
    }
    original = crop(fitting, wide, high);
    lr = imresize(original, 1 / 4);
    if (factor < 1) notes.push(`It had ${size}: the original here is already shrunk to ${wide}x${high}.`);
  } else {
    const [wide, high] = [width, height].map((length) => Math.min(length, side));
    lr = pixels(bitmap, Math.floor((width - wide) / 2), Math.floor((height - high) / 2), wide, high);
    if (wide < width || high < height) notes.push(`It has ${size}: these are the ${wide}x${high} in its middle.`);
  }
  bitmap.close();
  return { lr, bicubic: imresize(lr, 4, false), original, notes };
}

function rgbaOf({ rgb, rgba }) {
  if (rgba) return rgba;
  const out = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let i = 0, to = 0; i < rgb.length; to++) for (let c = 0; c < 3; c++) out[to++] = rgb[i++];
  return out;
}

async function toPng(picture) {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d").putImageData(new ImageData(rgbaOf(picture), picture.width), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

// Decibels on luma without the border, as srgan_lib.metrics.psnr has it.
function psnr(picture, original) {
  const [a, b] = [rgbaOf(picture), rgbaOf(original)], { width, height } = original;
  let sum = 0;
  for (let y = BORDER; y < height - BORDER; y++) {
    for (let x = BORDER; x < width - BORDER; x++) {
      const at = (y * width + x) * 4;
      const luma = 65.481 * (a[at] - b[at]) + 128.553 * (a[at + 1] - b[at + 1]) + 24.966 * (a[at + 2] - b[at + 2]);
      sum += (luma / 255) ** 2;
    }
  }
  return 10 * Math.log10(255 ** 2 / (sum / ((width - 2 * BORDER) * (height - 2 * BORDER))));
}
