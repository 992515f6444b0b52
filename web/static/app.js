// The chat without reloading. Without this file all pages still work as plain pages.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => root.querySelectorAll(selector);

function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

// An address with more in its query; the fragment stays.
function withQuery(address, name, value) {
  const url = new URL(address, location.href);
  if (value) url.searchParams.set(name, value);
  return url.href;
}

const spoken = new URL(location.href).searchParams.get("sprache"); // chosen by address, if at all

// Text only ever enters the page through textContent: a programme may hold any character.
function fillQuote(quote, text, highlights) {
  // The server counts characters, JavaScript counts UTF-16 units: they differ beyond the basic plane.
  const characters = Array.from(text);
  let at = 0;
  const put = (end, tag) => {
    if (end <= at) return;
    const piece = document.createElement(tag);
    piece.textContent = characters.slice(at, end).join("");
    quote.append(...(tag === "mark" ? [piece] : piece.childNodes));
    at = end;
  };
  for (const [start, end] of highlights) {
    put(start, "span");
    put(end, "mark");
  }
  put(characters.length, "span");
}

function makeCard(passage, version) {
  const card = clone("card");
  $(".place", card).textContent = passage.citation;
  fillQuote($(".quote", card), passage.text, passage.highlights);
  $(".read", card).href = withQuery(passage.url, "sprache", spoken);
  $(".permalink", card).href = withQuery(passage.url, "version", version);
  const pdf = $(".pdf", card);
  pdf.hidden = !passage.pdf_url;
  if (passage.pdf_url) {
    pdf.href = passage.pdf_url;
    pdf.textContent = `${pdf.dataset.label} ${passage.page}`;
  }
  card.dataset.passage = passage.id;
  activate(card);
  return card;
}

function say(button) {
  const label = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = label; }, 2000);
}

// The system's own sheet where there is one, else the link is copied.
async function share(button, url, text) {
  if (navigator.share) return navigator.share(text ? { text, url } : { url }).catch(() => {});
  await navigator.clipboard.writeText(url);
  return say(button);
}

// Copy and share need JavaScript, so their buttons come to life here, for cards of either origin.
function activate(card) {
  const copy = $(".copy", card);
  const sharing = $(".share", card);
  const url = $(".permalink", card).href;
  const words = () => `„${$(".quote", card).textContent.trim()}“\n${$(".place", card).textContent}`;
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(`${words()}\n${url}`);
    say(copy);
  });
  sharing.hidden = !navigator.share && !navigator.clipboard;
  sharing.addEventListener("click", () => share(sharing, url, words()));
}

async function post(path, content) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(content),
  });
  const body = response.status === 204 ? {} : await response.json();
  if (!response.ok) throw Object.assign(new Error(body.detail), { said: body.detail });
  return body;
}

function chat(form) {
  const input = $("#message");
  const log = $(".log");
  const state = $(".state", form);
  const retry = $(".retry", form);
  const suggest = $(".suggest");
  const { programme, language } = form.dataset;
  const most = Number(form.dataset.most);
  const whole = $(".whole", form);
  let newest = 0; // a reply to an older question than the newest comes too late and is dropped

  // A question longer than the field stands above it, whole. A <textarea> would grow instead, but must
  // not be the combobox that complete.js makes of the field.
  const showWhole = () => { whole.textContent = input.scrollWidth > input.clientWidth ? input.value : ""; };
  const put = (text) => {
    input.value = text;
    showWhole();
  };

  const ask = async (question) => {
    const number = ++newest;
    state.textContent = form.dataset.searching;
    retry.hidden = true;
    log.setAttribute("aria-busy", "true");
    try {
      const answer = await post("/api/chat", { message: question, programme, language });
      if (number !== newest) return;
      if (input.value.trim() === question) put("");
      show(question, answer);
    } catch (error) {
      if (number !== newest) return;
      state.textContent = error.said || form.dataset.failed;
      put(input.value || question);
      retry.hidden = Boolean(error.said);
    } finally {
      if (number === newest) log.removeAttribute("aria-busy");
    }
  };

  const show = (question, answer) => {
    state.textContent = "";
    const turn = makeTurn(question, answer);
    document.body.classList.add("asking");
    log.append(turn);
    offer(answer.suggestions);
    turn.scrollIntoView({ block: "start" });
  };

  const makeTurn = (question, answer) => {
    const turn = clone("turn");
    $(".asked-text", turn).textContent = question;
    $(".says-text", turn).textContent = answer.message;
    $(".reply", turn).classList.add(answer.status);
    $(".notice", turn).hidden = Boolean($(".turn", log)); // said once is enough
    $(".cards", turn).append(...answer.passages.map((p) => makeCard(p, answer.programme.version)));
    offerMore(turn, question, answer);
    const feedback = $(".feedback", turn);
    if (feedback) offerFeedback(feedback, question, answer, turn);
    return turn;
  };

  const offerMore = (turn, question, answer) => {
    const more = $(".more-hits", turn);
    more.hidden = answer.passages.length < 3;
    more.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const all = await post("/api/chat", { message: question, programme, language, limit: most });
        const shown = new Set([...$$(".card", turn)].map((card) => card.dataset.passage));
        const fresh = all.passages.filter((p) => !shown.has(p.id)).map((p) => makeCard(p, all.programme.version));
        $(".cards", turn).append(...fresh);
        more.hidden = true;
        if (fresh.length) {
          fresh[0].tabIndex = -1; // the button that had the focus is gone
          fresh[0].focus();
        }
      } catch (error) {
        state.textContent = error.said || form.dataset.failed;
      }
    });
  };

  const offerFeedback = (feedback, question, answer, turn) => {
    feedback.hidden = !answer.passages.length;
    feedback.addEventListener("submit", async (event) => {
      event.preventDefault();
      const content = {
        programme, version: answer.programme.version, helpful: event.submitter.value === "true",
        passages: [...$$(".card", turn)].map((card) => card.dataset.passage),
      };
      if ($("[name=with_question]", feedback).checked) content.question = question;
      try {
        await post("/api/feedback", content);
        const thanks = document.createElement("p");
        thanks.textContent = feedback.dataset.thanks;
        feedback.replaceChildren(thanks); // inside the log, so that it is read out
        input.focus({ preventScroll: true });
      } catch (error) {
        state.textContent = error.said || form.dataset.failed;
      }
    });
  };

  const offer = (questions) => {
    suggest.hidden = questions.length === 0;
    $(".chips-label", suggest).textContent = form.dataset.more;
    const chip = $("li", suggest);
    if (!chip) return;
    $(".chips", suggest).replaceChildren(...questions.map((question) => {
      const item = chip.cloneNode(true);
      const button = $("button", item);
      button.value = button.textContent = question;
      return item;
    }));
  };

  new ResizeObserver(showWhole).observe(input); // at first, too
  input.addEventListener("input", showWhole);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = input.value.trim();
    if (question) ask(question);
  });
  suggest.addEventListener("submit", (event) => {
    event.preventDefault();
    ask(event.submitter.value);
    input.focus({ preventScroll: true });
  });
  retry.addEventListener("click", () => { ask(input.value.trim()); input.focus(); });
  if (matchMedia("(pointer: fine)").matches) input.focus({ preventScroll: true });
}

// The language menu is a <details>; it closes as menus do.
function languageMenu(menu) {
  addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    $("summary", menu).focus();
  });
}

addEventListener("click", () => document.documentElement.classList.add("clicked"), { once: true });
const form = $(".ask");
if (form) chat(form);
$$(".cards .card").forEach(activate);
languageMenu($(".languages"));
