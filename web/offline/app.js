// The app's page: asks the phone, or the server where nothing is stored yet; shows answers.
import { Answers } from "./answers.js";
import { Memory } from "./memory.js";
import { MemoryPanel } from "./memory-panel.js";
import { StoragePanel } from "./storage-panel.js";
import { draw } from "./qr.js";
import { $, clone, fillQuote, item } from "./page.js";

const words = JSON.parse($("#words").textContent);
const { slug, base } = document.body.dataset;
const memory = new Memory(slug);
const answers = new Answers(slug, words.page_prefix);
const input = $("#question");
let newest = 0; // a reply to an older question than the newest is dropped

async function ask(question) {
  const number = ++newest;
  $("#state").textContent = words.searching;
  try {
    await started; // else a question asked while the app opens would go to the server
    const answer = await answers.ask(question);
    if (number !== newest) return;
    if (input.value.trim() === question) input.value = "";
    $("#state").textContent = "";
    memory.asked(question);
    show(question, answer);
  } catch {
    if (number !== newest) return;
    $("#state").textContent = words.no_answer;
    input.value ||= question;
  }
}

function show(question, answer) {
  const turn = clone("turn");
  turn.classList.add(answer.status);
  $(".asked-text", turn).textContent = question;
  $(".says-text", turn).textContent = answer.message || words[answer.status];
  $(".how", turn).hidden = !answer.local || answer.byMeaning;
  $(".cards", turn).append(...answer.passages.map(card));
  $("#log").append(turn);
  suggest(answer.suggestions);
  turn.scrollIntoView({ block: "start" });
}

function card(passage) {
  const made = clone("card");
  made.dataset.id = passage.id;
  $(".place", made).textContent = passage.citation;
  fillQuote($(".quote", made), passage.text, passage.highlights);
  $(".read", made).href = passage.path;
  $(".show", made).addEventListener("click", () => door(passage));
  const mark = $(".mark", made);
  const label = () => {
    const marked = memory.isFavourite(passage.id);
    mark.setAttribute("aria-pressed", String(marked));
    mark.textContent = marked ? words.unmark : words.mark;
  };
  mark.addEventListener("click", () => { memory.mark(passage.id); label(); });
  label();
  return made;
}

// For the person at the door: the sentence that matters most in large type, a code to scan, and below
// them the whole passage.
function door(passage) {
  const dialog = $("#door");
  const [key] = passage.highlights;
  fillQuote($(".quote", dialog), key ? passage.text.slice(...key) : passage.text, []);
  $(".whole", dialog).hidden = !key;
  fillQuote($(".whole", dialog), passage.text, passage.highlights);
  $(".place", dialog).textContent = passage.citation;
  $(".code", dialog).replaceChildren(draw(base + passage.path, words.qr));
  dialog.showModal();
  dialog.scrollTop = 0;
}

function suggest(questions) {
  $("#suggest").hidden = !questions.length;
  $(".chips", $("#suggest")).replaceChildren(...questions.map((question) => item(question, () => ask(question))));
}

async function openStored(stored) {
  $("#state").textContent = words.loading;
  await answers.open(stored);
  $("#state").textContent = "";
}

$("#ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = input.value.trim();
  if (question) ask(question);
});

new MemoryPanel(memory, words, {
  ask,
  passage: (id) => answers.passage(id),
  door,
});
// "Delete everything" means what the phone remembers, too.
const storage = new StoragePanel(slug, words, openStored, () => memory.switch(false));
suggest(JSON.parse($("#starters").textContent));
const started = storage.start();
await started;
document.body.dataset.ready = "true";
