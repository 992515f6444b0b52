// The reader: the cited passage is marked, the contents follow, the text can be searched.
"use strict";

// A passage that spans paragraphs has several pieces; :target marks only the first.
function markCited() {
  $$(".cited").forEach((piece) => piece.classList.remove("cited"));
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id) return;
  const target = document.getElementById(id);
  const now = target?.dataset.now || id; // a link from an earlier version
  $$(`[data-passage="${CSS.escape(now)}"]`).forEach((piece) => piece.classList.add("cited"));
  const gone = $(".gone");
  if (gone) gone.hidden = Boolean(target);
}

// The section one is in, marked in the contents.
function followContents() {
  const headings = [...$$(".text :is(h2, h3, h4, h5, h6)[id]")];
  const entries = new Map([...$$(".contents a")].map((link) => [link.hash.slice(1), link]));
  let current;
  let waiting = false;
  const follow = () => {
    waiting = false;
    const line = innerHeight * 0.22 + 100; // just below where a link puts its target, see style.css
    const at = headings.findLast((heading) => heading.getBoundingClientRect().top <= line);
    const entry = at && entries.get(encodeURIComponent(at.id)) || at && entries.get(at.id);
    if (entry === current) return;
    current?.removeAttribute("aria-current");
    current = entry;
    if (!entry) return;
    entry.setAttribute("aria-current", "location");
    const box = $(".contents");
    const place = entry.getBoundingClientRect();
    const frame = box.getBoundingClientRect();
    if (place.top < frame.top + 40 || place.bottom > frame.bottom - 40) box.scrollTop += place.top - frame.top - frame.height / 3;
  };
  addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(follow);
    waiting = true;
  }, { passive: true });
  follow();
}

// Umlauts can be typed as "ae" or as "a", ß as "ss"; a folded letter remembers where it came from.
const READINGS = [
  (letter) => ({ ä: "ae", ö: "oe", ü: "ue", ß: "ss" })[letter] ?? letter,
  (letter) => (letter === "ß" ? "ss" : letter.normalize("NFD").replace(/\p{M}/gu, "")),
];

function folded(text, reading) {
  let letters = "";
  const origin = [];
  for (let at = 0; at < text.length; at++) {
    const plain = /\s|\u00ad/.test(text[at]) ? (letters.endsWith(" ") ? "" : " ") : READINGS[reading](text[at].toLowerCase());
    letters += plain;
    for (let n = 0; n < plain.length; n++) origin.push(at);
  }
  return { letters, origin };
}

// The text of a paragraph or heading, and which text node each letter stands in.
function block(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT, (node) =>
    node.parentElement.closest(".page, .self") ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
  const nodes = [];
  let text = "";
  while (walker.nextNode()) {
    nodes.push({ node: walker.currentNode, start: text.length });
    text += walker.currentNode.data;
  }
  return { nodes, readings: READINGS.map((_, reading) => folded(text, reading)) };
}

function place({ nodes }, offset) {
  const { node, start } = nodes.findLast((each) => each.start <= offset);
  return [node, offset - start];
}

function rangesIn(part, query) {
  const found = new Map();
  READINGS.forEach((_, reading) => {
    if (reading && /[äöü]/i.test(query)) return; // whoever types ü does not mean u
    const wanted = folded(query, reading).letters;
    const { letters, origin } = part.readings[reading];
    for (let at = letters.indexOf(wanted); at >= 0; at = letters.indexOf(wanted, at + wanted.length)) {
      if (!found.has(origin[at])) found.set(origin[at], origin[at + wanted.length - 1] + 1);
    }
  });
  return [...found].sort(([a], [b]) => a - b).map(([start, end]) => {
    const range = new Range();
    const [last, offset] = place(part, end - 1);
    range.setStart(...place(part, start));
    range.setEnd(last, offset + 1);
    return range;
  });
}

function find(box) {
  const input = $("input", box);
  const row = $(".find-row", box);
  const count = $("#found", box);
  const marks = window.CSS && CSS.highlights; // else the one match is selected
  let parts;
  let ranges = [];
  let at = -1;

  const search = () => {
    const query = input.value.trim();
    parts ||= [...$$(".text :is(p, h1, h2, h3, h4, h5, h6)")].map(block);
    ranges = query.length > 1 ? parts.flatMap((part) => rangesIn(part, query)) : [];
    row.hidden = query.length < 2;
    $$("button", row).forEach((button) => { button.hidden = !ranges.length; });
    if (marks) {
      CSS.highlights.delete("current");
      CSS.highlights.set("found", new Highlight(...ranges));
    }
    at = Math.max(0, ranges.findIndex((range) => range.getBoundingClientRect().top > 0)) - 1; // from here on
    if (ranges.length) step(1);
    else count.textContent = query.length > 1 ? box.dataset.none : "";
  };

  const step = (by) => {
    if (!ranges.length) return;
    at = (at + by + ranges.length) % ranges.length;
    const range = ranges[at];
    if (marks) CSS.highlights.set("current", new Highlight(range));
    else getSelection().setBaseAndExtent(range.startContainer, range.startOffset, range.endContainer, range.endOffset);
    count.textContent = box.dataset.found.replace("{at}", at + 1).replace("{all}", ranges.length);
    const { top, height } = range.getBoundingClientRect();
    scrollBy({ top: top - innerHeight * 0.35 + height / 2, behavior: "instant" });
  };

  let timer;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 120); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") { input.value = ""; search(); }
  });
  row.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) step(Number(button.dataset.step));
  });
  box.hidden = false;
}

const contents = $(".contents");
// On a phone the contents are folded first: they would push the cited place out of view.
if (contents && matchMedia("(max-width: 61.99rem)").matches) $("details", contents).open = false;
markCited();
addEventListener("hashchange", markCited);
if (contents) {
  followContents();
  find($(".find"));
}
$(".cited")?.scrollIntoView();

const sharePage = $(".share-page");
if (sharePage && (navigator.share || navigator.clipboard)) {
  sharePage.hidden = false;
  sharePage.addEventListener("click", () => share(sharePage, $("link[rel=canonical]").href, document.title));
}
