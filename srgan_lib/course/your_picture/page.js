// The page: a picture comes in, workers read and enlarge it, and the course's slider shows the results.
//
// build.py puts host.js and compare.js of srgan_lib/display/static before this; the workers' code,
// the WebAssembly and the networks are texts in the page, because a page from a disk may load nothing.

const $ = (selector) => document.querySelector(selector);
const text = (id) => document.getElementById(id).textContent.trim();
const NETWORKS = JSON.parse(text("networks")); // [{ name, title, ways, ... }]
const TITLES = Object.fromEntries([["lr", "LR"], ["bicubic", "bicubic"], ...NETWORKS.map(({ name, title }) => [name, title]), ["original", "original"]]);
const ORDER = Object.keys(TITLES);
const LEAST_ROWS = 8; // of a worker
const WASM = ["relaxed", "simd"].map((build) => text(`wasm-${build}`)).find((code) =>
  WebAssembly.validate(Uint8Array.from(atob(code), (letter) => letter.charCodeAt(0))));

// Of few cores all, of many half: those are often two threads of one core, or slow ones.
function threads() {
  const asked = +new URLSearchParams(location.search).get("workers");
  const cores = navigator.hardwareConcurrency || 2;
  return asked || (cores <= 4 ? cores : Math.min(8, Math.ceil(cores / 2)));
}

// Workers ---------------------------------------------------------------------------------------
const workerCode = URL.createObjectURL(new Blob([text("worker")], { type: "text/javascript" }));
const workers = new Set(); // all that run

function startWorker() {
  const worker = new Worker(workerCode);
  workers.add(worker);
  return worker;
}

function endWorker(worker) {
  worker.terminate();
  workers.delete(worker);
}

function ask(worker, question, { transfer = [], onProgress = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      if ("progress" in data) onProgress(data.progress);
      else if ("error" in data) reject(new Error(data.error));
      else resolve(data);
    };
    worker.onerror = (event) => reject(new Error(`The browser could not do it (${event.message}).`));
    worker.postMessage(question, transfer);
  });
}

// One network on one picture: rows of it in each worker. Returns { rgba, width, height }.
async function enlarge(network, lr, onProgress) {
  const count = Math.max(1, Math.min(threads(), Math.floor(lr.height / LEAST_ROWS)));
  const channels = Array.from({ length: count - 1 }, () => new MessageChannel());
  const shares = new Array(count).fill(0);
  const team = shares.map(startWorker), weights = text(`weights-${network.name}`);
  try {
    const parts = await Promise.all(team.map((worker, i) => {
      const [above, below] = [channels[i - 1]?.port2, channels[i]?.port1];
      const [first, last] = [i, i + 1].map((n) => Math.floor((lr.height * n) / count));
      const question = { ask: "enlarge", wasm: WASM, weights, network, lr, first, last, above, below };
      const report = (share) => {
        shares[i] = share;
        onProgress(shares.reduce((a, b) => a + b) / count);
      };
      return ask(worker, question, { transfer: [above, below].filter(Boolean), onProgress: report });
    }));
    return { rgba: await new Blob(parts.map(({ rgba }) => rgba)).arrayBuffer(), width: 4 * lr.width, height: 4 * lr.height };
  } finally {
    team.forEach(endWorker); // their memory is free for the next network
  }
}

// What the reader has asked for -------------------------------------------------------------------
let job = null; // { file, reader (a worker), lr, pictures: Map of name -> what worker.js describes, busy }

const chosen = () => NETWORKS.filter(({ name }) => $(`#use-${name}`).checked);
const way = () => $("[name=way]:checked").value;

function say(message, isFault = false) {
  $("#status").textContent = message;
  $("#status").classList.toggle("fault", isFault);
}

function setBusy(busy) {
  $("main").setAttribute("aria-busy", busy);
  $("#stop").hidden = !busy;
}

function stop() {
  [...workers].forEach(endWorker);
  $("#bars").replaceChildren();
  job = job && { ...job, reader: null, busy: false }; // answers to the old one come too late
  setBusy(false);
}

async function open(file) {
  stop();
  const mine = (job = { file, reader: startWorker(), pictures: new Map(), busy: true });
  const isCurrent = () => mine === job;
  setBusy(true);
  say("Reading the picture …");
  try {
    const { notes, lr, pictures } = await ask(mine.reader, { ask: "read", file, way: way(), side: +$("#side").value });
    if (!isCurrent()) return;
    Object.assign(mine, { lr, notes });
    pictures.forEach((picture) => mine.pictures.set(picture.name, picture));
    state = null;
    await show(mine);
    await enlargeAll(mine);
  } catch (error) {
    if (isCurrent()) fail(error);
  }
}

// All chosen networks that have not had their turn; more may be chosen meanwhile.
async function enlargeAll(mine) {
  const { lr, pictures, notes } = mine, isCurrent = () => mine === job;
  const missing = () => chosen().find(({ name }) => !pictures.has(name));
  const started = performance.now();
  mine.busy = true;
  setBusy(true);
  for (let network = missing(); network; network = missing()) {
    say([`${lr.width}x${lr.height} pixels become ${4 * lr.width}x${4 * lr.height}, on this computer.`, ...notes].join(" "));
    const picture = await enlarge(network, lr, progressBar(network.title));
    if (!isCurrent()) return;
    pictures.set(network.name, await ask(mine.reader, { ask: "finish", name: network.name, picture: { ...picture, rgba: new Uint8ClampedArray(picture.rgba) } }));
    if (!isCurrent()) return;
    await show(mine);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say([`Done in ${seconds} s: ${lr.width}x${lr.height} pixels became ${4 * lr.width}x${4 * lr.height}. The picture has not left this computer.`, ...notes].join(" "));
  mine.busy = false;
  setBusy(false);
}

function fail(error) {
  stop();
  say(error.message, true);
}

function progressBar(title) {
  const bar = element("progress", { max: 1, value: 0, "aria-label": title }), left = element("span");
  const started = performance.now();
  $("#bars").replaceChildren(element("p", {}, element("strong", {}, title), bar, left));
  return (share) => {
    const seconds = (performance.now() - started) / 1000;
    bar.value = share;
    if (seconds > 0.5 && share > 0.03) left.textContent = `about ${Math.ceil((seconds / share) * (1 - share))} s left`;
    if (share > 0.999) $("#bars").replaceChildren();
  };
}

// The slider ----------------------------------------------------------------------------------------
let state = null; // where the reader has put it, which outlives the pictures in it
let unmount = () => {};
const CONTROLS = "select, input, button, .stage";

async function show({ file, pictures }) {
  await letGo(); // nobody loses the divider out of their hand
  const shown = ORDER.filter((name) => pictures.has(name) && ($(`#use-${name}`)?.checked ?? true)).map((name) => pictures.get(name));
  const root = element("div", { class: "srgan-widget" }), old = $("#slider");
  const [list, release] = figures(shown.map(({ name, ...picture }) => (
    { ...picture, label: TITLES[name], alt: `${TITLES[name]}: ${file.name || "your picture"}`, data: {} })));
  const focused = [...old.querySelectorAll(CONTROLS)].indexOf(document.activeElement);
  unmount();
  root.append(list);
  old.replaceChildren(root);
  placeSlider(shown);
  const end = mount(root, pageStore(state));
  if (focused >= 0) root.querySelectorAll(CONTROLS)[focused]?.focus();
  unmount = () => {
    end();
    release();
  };
  const stem = (file.name || "picture").replace(/\.\w+$/, ""), images = [...list.querySelectorAll("img")];
  $("#save").replaceChildren(...shown.map(({ name }, i) => {
    const times = name === "lr" || name === "original" ? "" : "_x4";
    return element("a", { href: images[i].src, download: `${stem}_${name}${times}.png` }, `Save ${TITLES[name]}`);
  }));
}

// Bicubic and the last chosen network, until the reader chooses; their scores.
function placeSlider(shown) {
  const labels = shown.map(({ name }) => TITLES[name]), networks = NETWORKS.map(({ title }) => title);
  const best = labels.findLast((label) => networks.includes(label)) ?? labels.at(-1);
  state ??= { left: "bicubic", right: best, own: best, position: 50, zoom: 1, cx: 0.5, cy: 0.5, mode: "divider" };
  if (state.right === state.own) state.right = state.own = best;
  if (!labels.includes(state.left)) state.left = "bicubic";
  if (!labels.includes(state.right)) state.right = best;
  const scored = shown.filter(({ psnr }) => psnr !== null);
  state.metrics = Object.fromEntries(scored.map(({ name, psnr }) => [TITLES[name], { "PSNR-Y": `${psnr.toFixed(2)} dB` }]));
}

let held = false;
addEventListener("pointerdown", (event) => (held = $("#slider").contains(event.target)), true);
for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (held = false), true);
const letGo = async () => {
  while (held) await new Promise((resolve) => setTimeout(resolve, 100));
};

// Controls --------------------------------------------------------------------------------------------
function choose(file) {
  if (file) open(file);
}
addEventListener("dragover", (event) => {
  event.preventDefault();
  $("#drop").classList.add("over");
});
addEventListener("dragleave", () => $("#drop").classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  $("#drop").classList.remove("over");
  if (event.dataTransfer.files.length) choose(event.dataTransfer.files[0]);
  else say("That was no file: save the picture first, then drop the file.", true);
});
addEventListener("paste", (event) => choose(event.clipboardData?.files[0]));
$("#file").addEventListener("change", (event) => choose(event.target.files[0]));
$("#example").addEventListener("click", () => {
  const bytes = Uint8Array.from(atob(text("sample")), (letter) => letter.charCodeAt(0));
  choose(new File([bytes], $("#example").dataset.name, { type: "image/jpeg" }));
});
$("#stop").addEventListener("click", () => {
  stop();
  say("Stopped.");
});
$("#side").addEventListener("change", () => choose(job?.file));
for (const radio of document.querySelectorAll("[name=way]")) {
  radio.addEventListener("change", () => {
    for (const { name, ways } of NETWORKS) $(`#use-${name}`).checked = ways.includes(way());
    choose(job?.file);
  });
}
$("#networks-used").addEventListener("change", async () => {
  if (!job?.lr) return;
  if (!job.reader) return choose(job.file); // it had been stopped
  await show(job);
  if (!job.busy) enlargeAll(job).catch(fail);
});
if (!WASM) say("This browser is too old for this page, which needs Chrome or Edge 97, Firefox 105 or Safari 16.4.", true);
