// The page works without this script. It keeps the contents at hand, lets wide formulas scroll and
// a keyboard reach all that does, and gives frames their full height on paper.
const contents = document.querySelector(".contents");
const wide = matchMedia("(min-width: 70rem)");
const links = new Map();
for (const link of contents.querySelectorAll("a")) {
  const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
  if (target) links.set(target, link);
}

function fold() {
  contents.open = wide.matches;
}
function close(event) {
  if (!wide.matches && (event.key === "Escape" || event.target.closest("a"))) contents.open = false;
}
function follow() {
  let here = null;
  for (const target of links.keys()) {
    if (here === null || target.getBoundingClientRect().top < innerHeight / 3) here = target;
  }
  for (const [target, link] of links) {
    if (target === here) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  contents.querySelector(".here").textContent = links.get(here)?.textContent ?? "";
}
function reach() {
  for (const formula of document.querySelectorAll("main math:not([display=block])")) {
    formula.classList.remove("broad");
    const broad = formula.getBoundingClientRect().width > formula.parentElement.clientWidth;
    formula.classList.toggle("broad", broad);
  }
  for (const box of document.querySelectorAll("main :is(pre, .wide, .output, math[display=block], .broad)")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
function stretch() {
  for (const frame of document.querySelectorAll("iframe[srcdoc]")) {
    frame.dataset.height ??= frame.style.height;
    const page = frame.contentDocument?.documentElement;
    if (page) frame.style.height = `${page.scrollHeight}px`;
  }
}
function relax() {
  for (const frame of document.querySelectorAll("iframe[data-height]")) {
    frame.style.height = frame.dataset.height;
    delete frame.dataset.height;
  }
}

fold();
follow();
reach();
wide.addEventListener("change", fold);
contents.addEventListener("click", close);
contents.addEventListener("keydown", close);
addEventListener("scroll", () => requestAnimationFrame(follow), { passive: true });
addEventListener("resize", reach);
addEventListener("beforeprint", stretch);
matchMedia("print").addEventListener("change", (print) => (print.matches ? stretch() : relax()));
addEventListener("afterprint", relax);
