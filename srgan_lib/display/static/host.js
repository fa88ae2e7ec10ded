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
  const fit = () => {
    try {
      const style = window.frameElement.style;
      style.height = `${Math.ceil(root.getBoundingClientRect().bottom) + 8}px`;
    } catch {
      // Not in a frame, or in one that may not be touched: then it scrolls.
    }
  };
  new ResizeObserver(fit).observe(root);
  fit();
}
