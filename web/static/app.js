// The chat without reloading, and the reader's marks. Without this file both still work as plain pages.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);

function clone(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

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

function makeCard(passage) {
  const card = clone("card");
  $(".place", card).textContent = passage.citation;
  fillQuote($(".quote", card), passage.text, passage.highlights);
  $(".read", card).href = passage.url;
  const pdf = $(".pdf", card);
  pdf.hidden = !passage.pdf_url;
  if (passage.pdf_url) {
    pdf.href = passage.pdf_url;
    pdf.textContent = `${pdf.dataset.label} ${passage.page}`;
  }
  activate(card);
  return card;
}

// Copy and share need JavaScript, so their buttons come to life here, for cards of either origin.
function activate(card) {
  const copy = $(".copy", card);
  const share = $(".share", card);
  const url = $(".read", card).href;
  const quotation = () => `„${$(".quote", card).textContent.trim()}“\n${$(".place", card).textContent}\n${url}`;
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(quotation());
    const label = copy.textContent;
    copy.textContent = copy.dataset.done;
    setTimeout(() => { copy.textContent = label; }, 2000);
  });
  share.hidden = !navigator.share;
  share.addEventListener("click", () => navigator.share({ text: quotation(), url }).catch(() => {}));
}

function makeTurn(question, answer) {
  const turn = clone("turn");
  $(".asked-text", turn).textContent = question;
  $(".says-text", turn).textContent = answer.message;
  $(".reply", turn).classList.add(answer.status);
  $(".cards", turn).append(...answer.passages.map(makeCard));
  return turn;
}

async function request(programme, message) {
  const response = await fetch("/api/chat", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify({ message, programme }),
  });
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.detail), { said: body.detail });
  return body;
}

function chat(form) {
  const input = $("#message");
  const log = $(".log");
  const state = $(".state", form);
  const retry = $(".retry", form);
  const suggest = $(".suggest");
  let newest = 0; // a reply to an older question than the newest comes too late and is dropped

  const ask = async (question) => {
    const number = ++newest;
    state.textContent = form.dataset.searching;
    retry.hidden = true;
    log.setAttribute("aria-busy", "true");
    try {
      const answer = await request(form.dataset.programme, question);
      if (number !== newest) return;
      if (input.value.trim() === question) input.value = "";
      show(question, answer);
    } catch (error) {
      if (number !== newest) return;
      state.textContent = error.said || form.dataset.failed;
      input.value = input.value || question;
      retry.hidden = Boolean(error.said);
    } finally {
      if (number === newest) log.removeAttribute("aria-busy");
    }
  };

  const show = (question, answer) => {
    state.textContent = "";
    const turn = makeTurn(question, answer);
    log.append(turn);
    offer(answer.suggestions);
    turn.scrollIntoView({ block: "start" });
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

// A passage that spans paragraphs has several pieces; :target marks only the first.
function markCited() {
  document.querySelectorAll(".cited").forEach((piece) => piece.classList.remove("cited"));
  const id = decodeURIComponent(location.hash.slice(1));
  if (!id) return;
  const now = document.getElementById(id)?.dataset.now || id; // a link from an earlier version
  document.querySelectorAll(`[data-passage="${CSS.escape(now)}"]`).forEach((piece) => piece.classList.add("cited"));
}

const form = $(".ask");
if (form) chat(form);
document.querySelectorAll(".cards .card").forEach(activate);
if ($(".text")) {
  // On a phone the contents are folded first: they would push the cited place out of view.
  if (matchMedia("(max-width: 61.99rem)").matches) $(".contents details").open = false;
  markCited();
  addEventListener("hashchange", markCited);
  $(".cited")?.scrollIntoView();
}
