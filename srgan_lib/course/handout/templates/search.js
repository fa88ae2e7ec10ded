// Search in all chapters, from a text that stands in the page: a page from a disk may load nothing.
const SECTIONS = JSON.parse(document.querySelector("#sections").textContent);
const MOST = 20;
const input = document.querySelector("#search");
const found = document.querySelector("#found");
const count = document.querySelector("#found-count");

const wordsOf = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);

// A section that has all words; those in its title count more than those in its text.
function rank({ title, text }, words) {
  const [inTitle, inText] = [title.toLowerCase(), text.toLowerCase()];
  if (!words.every((word) => inTitle.includes(word) || inText.includes(word))) return 0;
  return words.reduce((sum, word) => sum + 10 * inTitle.includes(word) + Math.min(9, inText.split(word).length - 1), 0);
}

// Some text around the first word, the words marked.
function excerpt(text, words) {
  const places = words.map((word) => text.toLowerCase().indexOf(word)).filter((place) => place >= 0);
  const from = Math.max(0, Math.min(...places, text.length) - 60), part = text.slice(from, from + 180);
  const box = document.createElement("span");
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  for (const piece of part.split(new RegExp(`(${escaped.join("|")})`, "gi"))) {
    const mark = words.includes(piece.toLowerCase());
    const node = document.createElement(mark ? "mark" : "span");
    node.textContent = piece;
    box.append(node);
  }
  if (from > 0) box.prepend("… ");
  return box;
}

function search() {
  const words = wordsOf(input.value);
  const hits = words.length
    ? SECTIONS.map((section) => [rank(section, words), section]).filter(([value]) => value > 0).sort(([a], [b]) => b - a)
    : [];
  found.replaceChildren(...hits.slice(0, MOST).map(([, { page, href, title, text }]) => {
    const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("p");
    [link.href, link.textContent] = [href, title === page ? page : `${title} (${page})`];
    where.append(excerpt(text, words));
    item.append(link, where);
    return item;
  }));
  const more = hits.length > MOST ? `, the best ${MOST}` : "";
  count.textContent = words.length ? `${hits.length || "No"} section${hits.length === 1 ? "" : "s"}${more}` : "";
}

document.querySelector(".search").hidden = false;
input.addEventListener("input", search);
if (input.value) search(); // on the way back from a chapter
