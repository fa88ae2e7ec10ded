// What every picture widget of the course shares: the state that it draws, and its two hosts.
//
// A widget is a function mount(root, store). `root` holds one <figure> a picture, which is all that a
// reader without JavaScript sees, and what is printed; `store` has get, set and on, for values that
// Python knows by the same names. anywidget's model is such a store, and a page brings its own.

function pageStore(state) {
  const listeners = {};
  return {
    get: (name) => state[name],
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      (listeners[name] || []).forEach((listener) => listener());
    },
    on: (names, listener) => names.forEach((name) => (listeners[name] ||= []).push(listener)),
  };
}

function modelStore(model) {
  let waiting = null;
  const save = () => {
    clearTimeout(waiting);
    waiting = null;
    model.save_changes();
  };
  const offs = [];
  return {
    get: (name) => model.get(name),
    set(name, value) {
      if (model.get(name) === value) return;
      model.set(name, value); // the views hear of it at once, the kernel at most 20 times a second
      waiting ??= setTimeout(save, 50);
    },
    on(names, listener) {
      names.forEach((name) => model.on(`change:${name}`, listener));
      offs.push(() => names.forEach((name) => model.off(`change:${name}`, listener)));
    },
    end() {
      if (waiting) save();
      offs.forEach((off) => off());
    },
  };
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// The figures that a page already has, made from what the kernel sent.
function figures(pictures) {
  const urls = pictures.map(({ png }) => URL.createObjectURL(new Blob([png], { type: "image/png" })));
  const made = pictures.map(({ label, alt, width, height, data }, index) => {
    const img = element("img", { src: urls[index], alt, width, height });
    const figure = element("figure", {}, img, element("figcaption", {}, label));
    Object.assign(figure.dataset, { label, ...data });
    return figure;
  });
  return [element("div", { class: "figures" }, ...made), () => urls.forEach(URL.revokeObjectURL)];
}

// Host 1: a notebook with a kernel.
function render({ model, el }) {
  const root = element("div", { class: "srgan-widget" });
  // Else JupyterLab takes arrow keys for its own, and goes to the next cell.
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" && !event.ctrlKey && !event.metaKey) event.stopPropagation();
  });
  const [pictures, release] = figures(model.get("_pictures"));
  root.append(pictures);
  el.append(root);
  const store = modelStore(model);
  const end = mount(root, store);
  return () => {
    end();
    store.end();
    release();
  };
}

// Host 2: a page of its own, inside a frame that is given the height it needs.
function standalone() {
  const root = document.querySelector(".srgan-widget");
  mount(root, pageStore(JSON.parse(document.querySelector("#state").textContent)));
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const frame = () => {
    try {
      return window.frameElement;
    } catch {
      return null; // it may not be touched: then it scrolls, and has a ground of its own
    }
  };
  const fit = () => {
    if (frame()) frame().style.height = `${Math.ceil(root.getBoundingClientRect().bottom)}px`;
  };
  // The ground of the page around it, else it is a slab there; if that is as light or dark as the text asks.
  const blend = () => {
    const around = frame() && getComputedStyle(frame().ownerDocument.body).backgroundColor;
    const [r, g, b, opaque = 1] = (around || "").match(/[\d.]+/g)?.map(Number) || [0, 0, 0, 0];
    const fits = opaque === 1 && (dark.matches ? Math.max(r, g, b) < 60 : Math.min(r, g, b) > 235);
    root.style.setProperty("--ground", fits ? around : "");
  };
  dark.addEventListener("change", blend);
  new ResizeObserver(fit).observe(root);
  blend();
  fit();
}
