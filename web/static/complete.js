// Completion while typing: a combobox after WAI-ARIA 1.2. The list comes once, at the first focus,
// and is searched here, so that nothing typed leaves the browser before it is asked.
"use strict";

const MOST_OFFERED = 6;

// Two readings of umlauts, since people without them on their keyboard type "ae" or "a".
const folds = [
  (text) => plain(text.replace(/[äöü]/gi, (c) => `${c}e`)),
  (text) => plain(text),
];

function plain(text) {
  return text.toLowerCase().replaceAll("ß", "ss").normalize("NFD").replace(/\p{M}/gu, "");
}

// Every word typed must begin a word of the offer; the last may be half typed.
function matching(offers, typed) {
  const found = offers.filter(({ folded }) => folds.some((fold, reading) =>
    fold(typed).split(/[^\p{L}\p{N}]+/u).filter(Boolean).every((word) => folded[reading].includes(` ${word}`))));
  return found.slice(0, MOST_OFFERED);
}

function combobox(form, input) {
  const list = document.createElement("ul");
  list.id = "completions";
  list.className = "completions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", form.dataset.completionsLabel);
  list.hidden = true;
  input.parentElement.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);

  let offers;
  let active = -1;

  const load = async () => {
    if (offers) return;
    offers = [];
    try {
      const { questions, headings } = await (await fetch(form.dataset.completions)).json();
      offers = [...questions, ...headings].map((text) => ({
        text, folded: folds.map((fold) => ` ${fold(text).split(/[^\p{L}\p{N}]+/u).join(" ")}`),
      }));
      if (input.value && document.activeElement === input) update();
    } catch {
      offers = undefined; // without a connection there is none; the next focus tries again
    }
  };

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    move(-1);
  };

  const move = (to) => {
    active = to;
    [...list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === to)));
    if (to < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", list.children[to].id);
      list.children[to].scrollIntoView({ block: "nearest" });
    }
  };

  const update = () => {
    const typed = input.value.trim();
    const found = typed.length > 1 && offers ? matching(offers, typed) : [];
    list.replaceChildren(...found.map(({ text }, number) => {
      const option = document.createElement("li");
      option.id = `completion-${number}`;
      option.setAttribute("role", "option");
      option.lang = form.dataset.tongue;
      option.dir = "ltr";
      option.textContent = text;
      return option;
    }));
    if (!found.length) return close();
    list.hidden = false;
    // Below the field, or above it where there is no room.
    const box = input.getBoundingClientRect();
    list.classList.toggle("above", innerHeight - box.bottom < list.offsetHeight + 8 && box.top > innerHeight - box.bottom);
    input.setAttribute("aria-expanded", "true");
    return move(-1);
  };

  const take = (option) => {
    input.value = option.textContent;
    close();
    form.requestSubmit();
  };

  input.addEventListener("focus", load);
  input.addEventListener("input", update);
  input.addEventListener("blur", close);
  form.addEventListener("submit", close);
  // Not click: the field would lose the focus first, and the list close under the finger.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) take(option);
  });
  input.addEventListener("keydown", (event) => {
    const count = list.hidden ? 0 : list.children.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !count) update();
    else if (step) move((active + 1 + step + count + 1) % (count + 1) - 1); // past the end: back in the field
    else if (event.key === "Escape" && count) close();
    else if (event.key === "Enter" && count && active >= 0 && !event.isComposing) take(list.children[active]);
    else return;
    event.preventDefault();
  });
  if (document.activeElement === input) load();
}

combobox($(".ask"), $("#message"));
