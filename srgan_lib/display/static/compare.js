// Two to five pictures of one scene, in register to the pixel: see srgan_lib/display/slider.py.

const MODES = { divider: "Divider", side: "Side by side", blink: "Blink", magnifier: "Magnifier" };
const MAX_ZOOM = 16;
const MAX_HEIGHT = 640;
const BLINK_MS = 700;
const LENS = 120; // side of each half of the magnifier
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// Above 1:1 a whole number of screen pixels for each of the picture's: else some get one more than
// their neighbors, which draws a weave that is not in the picture.
function snap(scale, round = Math.round) {
  const pixels = scale * devicePixelRatio;
  return pixels > 1 ? round(pixels) / devicePixelRatio : scale;
}

function mount(root, store) {
  const sources = [...root.querySelectorAll(".figures figure")];
  const labels = sources.map((figure) => figure.dataset.label);
  const stills = sources.map((figure) => figure.querySelector("img"));
  const width = Math.max(...stills.map((img) => +img.getAttribute("width")));
  const height = Math.max(...stills.map((img) => +img.getAttribute("height")));
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const name = `srgan-${Math.floor(Math.random() * 1e9)}`; // of this page's radio buttons only
  const get = (key) => store.get(key);

  // Controls: native elements, which bring keyboard, focus and screen readers with them.
  const choice = (side, text) => {
    const options = labels.map((label) => element("option", { value: label }, label));
    const select = element("select", { "aria-label": `${text} picture`, onchange: () => store.set(side, select.value) }, ...options);
    return [select, element("label", {}, `${text} `, select)];
  };
  const [left, leftLabel] = choice("left", "Left");
  const [right, rightLabel] = choice("right", "Right");
  const radios = Object.keys(MODES).map((mode) =>
    element("input", { type: "radio", name, value: mode, onchange: () => store.set("mode", mode) }));
  const modes = element("fieldset", {}, element("legend", {}, "View"), ...radios.map((radio) =>
    element("label", {}, radio, ` ${MODES[radio.value]}`)));
  const zoom = element("input", {
    type: "range", min: 1, max: MAX_ZOOM, step: 1, "aria-label": "Zoom",
    oninput: () => setView(+zoom.value),
  });
  const zoomText = element("span", { class: "value", "aria-hidden": "true" });
  const whole = element("button", { type: "button", onclick: () => setView(1, 0.5, 0.5) }, "Reset view");
  const play = element("button", { type: "button", onclick: () => blink(!timer) });
  const swap = element("button", { type: "button", onclick: () => showOther() }, "Show the other");
  const reveal = element("input", {
    type: "range", min: 0, max: 100, step: 1, class: "reveal", "aria-label": "Divider position",
    oninput: () => store.set("position", +reveal.value),
  });

  // The stage: a pane for each picture, all with one zoom and center.
  const picture = (index) => element("img", { src: stills[index].src, alt: stills[index].alt, draggable: "false" });
  const panes = labels.map((_, index) => element("div", { class: "pane" }, picture(index)));
  const images = panes.map((pane) => pane.firstChild);
  const cells = panes.map((pane) => element("div", { class: "cell" }, pane, element("div", { class: "caption" })));
  const handle = element("div", { class: "handle", "aria-hidden": "true" });
  const halves = [0, 1].map(() => element("div", { class: "half" }));
  const lens = element("div", { class: "lens", "aria-hidden": "true" }, ...halves);
  const point = element("div", { class: "point", "aria-hidden": "true" });
  const stage = element("div", { class: "stage", tabindex: 0, role: "group" }, ...cells, handle, point, lens);
  const captions = element("div", { class: "captions" });
  const hint = element("p", { class: "hint" });
  const bar = element("div", { class: "controls" }, leftLabel, rightLabel, modes,
    element("label", { class: "zoom" }, "Zoom ", zoom, zoomText), whole, play, swap);
  root.prepend(bar, stage, reveal, captions, hint);
  root.style.setProperty("--w", `${width}px`);
  root.style.setProperty("--h", `${height}px`);
  root.classList.add("live");

  let fit = 1; // CSS pixels for one picture pixel at zoom 1
  let pane = [width, height]; // CSS pixels of one pane
  let first = true; // blink: whether the left picture is the one seen
  let timer = 0;
  let halfLabels = null;

  const chosen = () => [labels.indexOf(get("left")), labels.indexOf(get("right"))];
  const magnifying = () => get("mode") === "magnifier";
  const unit = (zoom) => snap(fit * zoom); // CSS pixels for a picture pixel
  const lensZoom = () => get("zoom") + 3;

  // The nearest center around which the pane is filled; the lens may go anywhere.
  function inside(zoom, cx, cy) {
    if (magnifying()) return [clamp(cx, 0, 1), clamp(cy, 0, 1)];
    return [[cx, width, pane[0]], [cy, height, pane[1]]].map(([center, side, shown]) => {
      const reach = Math.min(0.5, shown / (2 * side * unit(zoom)));
      return clamp(center, reach, 1 - reach);
    });
  }
  const center = () => inside(get("zoom"), get("cx"), get("cy"));

  function setView(next, cx = get("cx"), cy = get("cy")) {
    const to = clamp(next, 1, MAX_ZOOM);
    const [x, y] = inside(to, cx, cy);
    store.set("zoom", to);
    store.set("cx", x);
    store.set("cy", y);
  }

  // Whole numbers of screen pixels for a picture pixel where there is room for them.
  function layout() {
    const style = getComputedStyle(root);
    const room = root.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (room <= 0) return;
    const side = get("mode") === "side";
    const gap = 8;
    let columns = 1;
    if (side) {
      columns = clamp(Math.floor((room + gap) / (180 + gap)), 1, labels.length);
      columns = Math.ceil(labels.length / Math.ceil(labels.length / columns)); // even rows
    }
    const most = (room - gap * (columns - 1)) / columns;
    // Not higher than the screen: a finger must find a place beside it to scroll the page.
    const share = matchMedia("(pointer: coarse)").matches ? 0.7 : 0.9;
    const highest = Math.min(MAX_HEIGHT, share * screen.availHeight);
    fit = snap(Math.min(most / width, highest / height), Math.floor);
    pane = [width, height].map((side) => Math.max(1, Math.floor(side * fit)));
    stage.style.width = side ? `${columns * pane[0] + gap * (columns - 1)}px` : `${pane[0]}px`;
    stage.style.height = side ? "" : `${pane[1]}px`;
    stage.style.gridTemplateColumns = side ? `repeat(${columns}, ${pane[0]}px)` : "";
    for (const box of panes) [box.style.width, box.style.height] = [`${pane[0]}px`, `${pane[1]}px`];
    reveal.style.width = `${pane[0]}px`;
    captions.style.width = stage.style.width;
    refresh();
  }

  // Puts the picture's point (cx, cy) in the middle of a box, `scale` pixels for one of its own.
  function place(img, box, scale, cx, cy) {
    const whole = (x) => Math.round(x * devicePixelRatio) / devicePixelRatio;
    const x = whole(box[0] / 2 - cx * width * scale);
    const y = whole(box[1] / 2 - cy * height * scale);
    img.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    const own = (scale * width * devicePixelRatio) / (img.naturalWidth || width);
    img.style.imageRendering = own >= 1 ? "pixelated" : "auto";
  }

  function draw() {
    const mode = get("mode");
    const [a, b] = chosen();
    const magnifier = magnifying();
    const [scale, ...middle] = magnifier ? [fit, 0.5, 0.5] : [unit(get("zoom")), ...center()];
    images.forEach((img) => place(img, pane, scale, ...middle));
    const seen = { divider: [a, b], side: labels.map((_, i) => i), magnifier: [a] };
    seen.blink = [first ? a : b];
    panes.forEach((box, index) => {
      cells[index].hidden = !seen[mode].includes(index);
      box.style.zIndex = index === a ? 1 : 0;
      box.style.clipPath = "";
    });
    if (mode === "divider" && a !== b) panes[a].style.clipPath = `inset(0 ${100 - get("position")}% 0 0)`;
    handle.hidden = mode !== "divider";
    handle.style.left = `${get("position")}%`;
    lens.hidden = point.hidden = !magnifier;
    root.classList.toggle("far", get("zoom") > 1); // then a finger moves the picture, not the page
    if (magnifier) drawLens(a, b);
  }

  function drawLens(a, b) {
    if (halfLabels !== `${a},${b}`) {
      halves.forEach((half, i) => half.replaceChildren(picture(i ? b : a)));
      halves.forEach((half) => (half.firstChild.alt = ""));
      halfLabels = `${a},${b}`;
    }
    const [cx, cy] = center();
    const at = [cx * pane[0], cy * pane[1]];
    const side = Math.max(8, Math.min(LENS, Math.floor((pane[0] - 6) / 2), pane[1] - 4));
    const size = [2 * side + 6, side + 4];
    const beside = clamp(at[0] - size[0] / 2, 0, Math.max(0, pane[0] - size[0]));
    // Above the point that it shows, or below where there is no room, and always to be seen.
    const above = at[1] - size[1] - 24 < 0 ? at[1] + 24 : at[1] - size[1] - 24;
    const top = clamp(above, 0, Math.max(0, pane[1] - size[1]));
    lens.style.transform = `translate(${Math.round(beside)}px, ${Math.round(top)}px)`;
    point.style.transform = `translate(${Math.round(at[0])}px, ${Math.round(at[1])}px)`;
    halves.forEach((half) => {
      half.style.width = half.style.height = `${side}px`;
      place(half.firstChild, [side, side], unit(lensZoom()), cx, cy);
    });
  }

  // Everything that is words.
  function describe() {
    const mode = get("mode");
    const [a, b] = chosen();
    const share = Math.round(get("position"));
    [left.value, right.value, reveal.value, zoom.value] = [get("left"), get("right"), get("position"), get("zoom")];
    radios.forEach((radio) => (radio.checked = radio.value === mode));
    reveal.setAttribute("aria-valuetext", `${share} % ${labels[a]}, ${100 - share} % ${labels[b]}`);
    const times = magnifying() ? lensZoom() : get("zoom");
    const pixels = unit(times) * devicePixelRatio;
    const rounded = Number(pixels.toFixed(pixels < 3 ? 1 : 0));
    zoomText.textContent = `${Number(times.toFixed(1))}×`;
    zoom.setAttribute("aria-valuetext", `${Number(times.toFixed(1))} times, ${rounded} screen pixels for one of the picture's`);
    reveal.hidden = mode !== "divider";
    play.hidden = swap.hidden = mode !== "blink";
    play.textContent = timer ? "Stop blinking" : "Start blinking";
    leftLabel.hidden = rightLabel.hidden = mode === "side";
    const shown = { side: labels.map((_, i) => i), blink: [first ? a : b] }[mode] || [a, b];
    captions.hidden = mode === "side";
    captions.replaceChildren(...shown.map((index) => element("div", {}, ...caption(labels[index]))));
    cells.forEach((cell, index) => cell.lastChild.replaceChildren(...caption(labels[index])));
    const keys = {
      divider: "Arrow keys, Page Up and Down, Home and End move the divider; Shift with an arrow key moves the picture; + and − zoom.",
      side: "Arrow keys move all pictures once they are enlarged; + and − zoom.",
      blink: "The space bar shows the other picture; arrow keys move an enlarged picture; + and − zoom.",
      magnifier: "Arrow keys or the pointer move the lens: its left half is the left picture, its right half the right one, at the same place.",
    };
    hint.textContent = `${keys[mode]} One pixel of the pictures is ${rounded} on the screen.`;
    stage.setAttribute("aria-label", `${MODES[mode]}: ${shown.map((i) => labels[i]).join(", ")}`);
    root.dataset.mode = mode;
  }

  function caption(label) {
    const rows = Object.entries((get("metrics") || {})[label] || {});
    const scores = rows.map(([score, value]) => element("span", { class: "score" }, `${score} ${value}`));
    return [element("strong", {}, label), ...scores];
  }

  function showOther() {
    first = !first;
    refresh();
  }

  function blink(on) {
    clearInterval(timer);
    timer = on ? setInterval(showOther, BLINK_MS) : 0;
    describe();
  }

  const refresh = () => {
    draw();
    describe();
  };

  // Pointer: near the divider it is moved; elsewhere an enlarged picture is, or the divider comes.
  const pointers = new Map();
  let grip = null;
  const at = (event) => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const toDivider = (x) => store.set("position", clamp(Math.round(1000 * x) / 10, 0, 100));
  const spread = () => {
    const [p, q] = [...pointers.values()];
    return Math.hypot(p[0] - q[0], p[1] - q[1]);
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    stage.setPointerCapture(event.pointerId);
    const from = [event.clientX, event.clientY];
    const near = Math.abs(at(event)[0] - get("position") / 100) * pane[0] < 24;
    const divider = get("mode") === "divider" && (near || get("zoom") === 1);
    const [cx, cy] = center();
    if (pointers.size > 1) grip = { kind: "pinch", from: spread(), zoom: get("zoom") };
    // A finger may be about to scroll the page: only once it moves sideways it means the divider.
    else if (divider && !near && event.pointerType === "touch") grip = { kind: "tap", from };
    else if (divider) grip = { kind: "divider" };
    else if (magnifying()) grip = { kind: "lens" };
    else grip = { kind: "pan", from, cx, cy };
    move(event);
  });

  function move(event) {
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, [event.clientX, event.clientY]);
    const kind = grip?.kind || (magnifying() && event.pointerType === "mouse" ? "lens" : "");
    const [x, y] = at(event);
    if (kind === "tap" && Math.abs(event.clientX - grip.from[0]) > 6) grip.kind = "divider";
    else if (kind === "divider") toDivider(x);
    else if (kind === "lens") setView(get("zoom"), x, y);
    else if (kind === "pinch" && pointers.size > 1) setView((grip.zoom * spread()) / grip.from);
    else if (kind === "pan") {
      const scale = unit(get("zoom"));
      setView(get("zoom"), grip.cx - (event.clientX - grip.from[0]) / (scale * width),
        grip.cy - (event.clientY - grip.from[1]) / (scale * height));
    }
  }
  stage.addEventListener("pointermove", move);
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    stage.addEventListener(end, (event) => {
      if (end === "pointerup" && grip?.kind === "tap") toDivider(at(event)[0]);
      pointers.delete(event.pointerId);
      if (!pointers.size) grip = null;
    });
  }
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // without Ctrl the page scrolls, as everywhere
    event.preventDefault();
    setView(get("zoom") * Math.exp(-event.deltaY / 300));
  }, { passive: false });

  // Keys on the stage, and those on its controls that these do not know by themselves: the divider's
  // range moves with the arrow keys, but it does not zoom.
  const STEP = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };
  const PAN = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  root.addEventListener("keydown", (event) => {
    const { key, shiftKey, ctrlKey, metaKey, altKey, target } = event;
    if (ctrlKey || metaKey || altKey || target === left || target === right) return;
    const own = target === stage;
    const divider = own && get("mode") === "divider";
    const pan = PAN[key] && (own ? shiftKey || !divider : shiftKey && target === reveal);
    if (pan) {
      const far = 0.1 / (magnifying() ? lensZoom() : get("zoom"));
      const [cx, cy] = center();
      setView(get("zoom"), cx + far * PAN[key][0], cy + far * PAN[key][1]);
    } else if (divider && STEP[key]) store.set("position", clamp(get("position") + STEP[key], 0, 100));
    else if (divider && key === "Home") store.set("position", 0);
    else if (divider && key === "End") store.set("position", 100);
    else if (key === "+" || key === "=") setView(get("zoom") + 1);
    else if (key === "-") setView(get("zoom") - 1);
    else if (key === "0") setView(1, 0.5, 0.5);
    else if (own && key === " " && get("mode") === "blink") showOther();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  store.on(["position"], () => {
    draw();
    describe();
  });
  store.on(["zoom", "cx", "cy", "metrics"], refresh);
  store.on(["left", "right"], () => {
    first = true;
    refresh();
  });
  store.on(["mode"], () => {
    blink(get("mode") === "blink" && !calm);
    first = true;
    layout();
    setView(get("zoom")); // from the magnifier the center may lie at the rim
  });
  images.forEach((img) => img.addEventListener("load", draw));
  const resized = new ResizeObserver(layout);
  resized.observe(root);
  blink(get("mode") === "blink" && !calm);
  layout();
  return () => {
    resized.disconnect();
    clearInterval(timer);
  };
}
