// The panel of last questions and marked passages.
import { $, item } from "./page.js";

export class MemoryPanel {
  constructor(memory, words, acts) {
    Object.assign(this, { memory, words, acts, dialog: $("#memory") });
    $("#to-memory").addEventListener("click", () => { this.show(); this.dialog.showModal(); });
    $("#remember").addEventListener("change", (event) => { memory.switch(event.target.checked); this.show(); });
    $("#forget").addEventListener("click", () => { memory.forgetQuestions(); this.show(); });
  }

  async show() {
    $("#remember").checked = this.memory.on;
    $("#forget").hidden = !this.memory.questions.length;
    this.list("#questions", this.memory.questions.map((question) =>
      item(question, () => { this.dialog.close(); this.acts.ask(question); })));
    const passages = await Promise.all(this.memory.favourites.map((id) => this.acts.passage(id).catch(() => null)));
    this.list("#favourites", passages.filter(Boolean).map((passage) =>
      item(passage.citation, () => { this.dialog.close(); this.acts.door(passage); })));
  }

  list(selector, items) {
    const list = $(selector);
    list.replaceChildren(...items);
    if (!items.length) list.append(Object.assign(document.createElement("li"), { textContent: this.words.none_yet, className: "soft" }));
  }
}
