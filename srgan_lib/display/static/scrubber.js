// The moments of a training, or the steps between two networks, one at a time: see srgan_lib/display/film.py.

const PLAY_MS = 500;

function mount(root, store) {
  const box = root.querySelector(".figures");
  const frames = store.get("frames"); // the words on each moment
  const cursors = store.get("cursors"); // for each moment: where it is in the chart
  const chart = box.querySelector("figure[data-chart]");
  const stills = [...box.querySelectorAll("figure[data-frame]")];
  const fixed = [...box.querySelectorAll("figure[data-fixed]")];
  const names = [...new Set(stills.map((figure) => figure.dataset.view))];
  const still = (view, frame) => stills.find(
    ({ dataset }) => dataset.view === view && +dataset.frame === frame).querySelector("img");
  const zoom = +store.get("enlarge");

  const copy = (img) => element("img", {
    src: img.src, alt: img.alt, width: zoom * img.getAttribute("width"), height: zoom * img.getAttribute("height"),
  });
  const views = names.map((name) => [name, copy(still(name, 0))]);
  const panes = views.map(([name, img]) => element("figure", {}, img, element("figcaption", {}, name)));
  const references = fixed.map((figure) => element("figure", {}, copy(figure.querySelector("img")),
    element("figcaption", {}, figure.dataset.label)));
  const range = element("input", {
    type: "range", min: 0, max: frames.length - 1, step: 1, "aria-label": store.get("axis"),
    oninput: () => store.set("index", +range.value),
  });
  const words = element("p", { class: "hint" });
  const go = (by) => store.set("index", Math.min(Math.max(store.get("index") + by, 0), frames.length - 1));
  const button = (text, label, onclick) => element("button", { type: "button", "aria-label": label, onclick }, text);
  const play = button("", "", () => run(!timer));
  const time = element("div", { class: "time" }, play, button("‹", "One back", () => go(-1)), range,
    button("›", "One on", () => go(1)));
  const marks = (cursors[0] || []).map(() => element("div", { class: "cursor", "aria-hidden": "true" }));
  const shown = [];
  if (chart) {
    const drawn = chart.querySelector("img").cloneNode();
    const plot = element("div", { class: "plot" }, drawn, ...marks);
    // On a phone it is swiped, not shrunk until nobody can read its titles.
    plot.style.minWidth = `${Math.min(760, 0.75 * drawn.getAttribute("width"))}px`;
    const swiped = element("figure", { class: "chart" }, plot);
    new ResizeObserver(() => {
      if (swiped.scrollWidth > swiped.clientWidth) swiped.tabIndex = 0; // then a keyboard scrolls it
      else swiped.removeAttribute("tabindex");
    }).observe(swiped);
    shown.push(swiped);
  }
  root.prepend(...shown, time, words, element("div", { class: "views" }, ...panes, ...references));
  root.classList.add("live");

  let timer = 0;
  function run(on) {
    clearInterval(timer);
    const last = frames.length - 1;
    if (on && store.get("index") === last) store.set("index", 0);
    timer = on ? setInterval(() => (store.get("index") < last ? go(1) : run(false)), PLAY_MS) : 0;
    play.textContent = timer ? "Stop" : "Play";
    play.setAttribute("aria-label", timer ? "Stop" : "Play");
  }

  function draw() {
    const index = Math.min(store.get("index"), frames.length - 1);
    views.forEach(([name, img]) => {
      const now = still(name, index);
      [img.src, img.alt] = [now.src, now.alt];
    });
    range.value = index;
    range.setAttribute("aria-valuetext", frames[index]);
    words.textContent = frames[index];
    marks.forEach((mark, i) => {
      const { x, y, height } = cursors[index][i];
      mark.classList.toggle("dot", !height);
      Object.assign(mark.style, { left: `${100 * x}%`, top: `${100 * y}%`, height: height ? `${100 * height}%` : "" });
    });
  }

  store.on(["index"], draw);
  run(false);
  draw();
  return () => clearInterval(timer);
}
