// Where answers come from: a worker that searches what is stored; without that, the server.

export class Answers {
  constructor(slug, pagePrefix) {
    Object.assign(this, { slug, pagePrefix, worker: null, waiting: new Map(), number: 0 });
  }

  // A finished version takes the old one's place once it can answer; null: nothing is stored any more.
  async open(stored) {
    const before = this.worker;
    if (!stored) {
      before?.terminate();
      this.worker = null;
      return null;
    }
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }) => this.settle(data));
    worker.addEventListener("error", () => this.fail());
    const opened = await this.send(worker, "open", stored);
    this.worker = worker;
    before?.terminate();
    return opened;
  }

  async ask(question) {
    if (!this.worker) return this.askServer(question);
    const argument = { question, pagePrefix: this.pagePrefix };
    return { local: true, ...(await this.send(this.worker, "ask", argument)) };
  }

  passage(id) {
    return this.worker ? this.send(this.worker, "passage", { id, pagePrefix: this.pagePrefix }) : this.passageOfServer(id);
  }

  send(worker, task, argument) {
    const id = ++this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      worker.postMessage({ id, task, argument });
    });
  }

  settle({ id, result, error }) {
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) reject(new Error(error));
    else resolve(result);
  }

  fail() {
    for (const { reject } of this.waiting.values()) reject(new Error("worker"));
    this.waiting.clear();
  }

  async askServer(message) {
    const response = await fetch("/api/chat", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ message, programme: this.slug }),
    });
    const body = await response.json();
    if (!response.ok) return { status: "nothing", message: body.detail, passages: [], suggestions: [] };
    return { ...body, passages: body.passages.map((passage) => this.local(passage)) };
  }

  async passageOfServer(id) {
    const response = await fetch(`/api/programmes/${this.slug}/passages/${encodeURIComponent(id)}`);
    return response.ok ? this.local(await response.json()) : null;
  }

  // The server counts characters, JavaScript UTF-16 units.
  local(passage) {
    const letters = Array.from(passage.text);
    const units = (count) => letters.slice(0, count).join("").length;
    const highlights = (passage.highlights || []).map(([start, end]) => [units(start), units(end)]);
    return { ...passage, highlights, path: `/p/${this.slug}/programm#${passage.id}` };
  }
}
