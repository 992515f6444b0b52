// What a canvasser lets the phone remember: last questions, and marked passages. Off until switched on;
// in this browser only; switching off erases it.

const MOST = 12;

export class Memory {
  constructor(slug) {
    this.name = `fundstelle-memory-${slug}`;
    this.table = JSON.parse(localStorage.getItem(this.name) || "null");
  }

  get on() {
    return this.table !== null;
  }

  switch(on) {
    this.table = on ? { questions: [], favourites: [] } : null;
    this.save();
  }

  get questions() {
    return this.table?.questions || [];
  }

  get favourites() {
    return this.table?.favourites || [];
  }

  asked(question) {
    if (!this.on) return;
    this.table.questions = [question, ...this.questions.filter((one) => one !== question)].slice(0, MOST);
    this.save();
  }

  isFavourite(id) {
    return this.favourites.includes(id);
  }

  // Marking a passage is itself a tap that says "remember": it switches on.
  mark(id) {
    if (!this.on) this.switch(true);
    const rest = this.favourites.filter((one) => one !== id);
    this.table.favourites = rest.length < this.favourites.length ? rest : [id, ...rest];
    this.save();
  }

  forgetQuestions() {
    if (!this.on) return;
    this.table.questions = [];
    this.save();
  }

  save() {
    if (this.table) localStorage.setItem(this.name, JSON.stringify(this.table));
    else localStorage.removeItem(this.name);
  }
}
