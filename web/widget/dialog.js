// The dialog, loaded when the widget is first opened. Text only ever enters through textContent.
const CSS = "%dialog.css%"; // put in when the file is served
const PATIENCE = 15000; // milliseconds until an answer is given up
const KEPT = 20; // turns that go along to the site's next page
const SHEET = "(max-width: 32em), (max-height: 24em)"; // as in dialog.css
const GLYPHS = { answered: "✓", related: "≈", nothing: "–" }; // not told apart by colour only

function make(tag, values = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function mount(host, start) {
  host.addStyle(CSS);
  const panel = new Panel(host, start);
  host.shadowRoot.append(panel.element);
  return panel;
}

class Panel {
  constructor(host, { words, language, dir, programme, suggestions, allowed, counted }) {
    Object.assign(this, { host, words, language, programme, allowed, counted });
    this.sheet = matchMedia(SHEET);
    this.newest = 0; // a reply to an older question than the newest comes too late and is dropped
    this.turns = [];
    this.store = new Store(`fundstelle:${programme.slug}`);
    const own = (host.option("suggestions") || "").split("|").map((each) => each.trim()).filter(Boolean);
    this.first = own.length ? own : suggestions;
    this.element = this.build(dir);
    this.keys();
    this.restore();
    if (!allowed) this.refuse();
  }

  page(name = "") {
    return `${this.host.server}p/${this.programme.slug}${name}`;
  }

  build(dir) {
    const w = this.words;
    const inline = this.host.inline;
    this.heading = make("h2", { id: "title", tabindex: "-1" }, this.host.option("title") || w.title);
    this.log = make("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": w.log });
    this.greeting = make("p", { class: "greeting" }, this.host.option("greeting") || w.greeting);
    this.chips = make("ul", { class: "chips" });
    this.chipsLabel = make("p", { class: "chips-label", id: "chips-label" });
    this.chips.setAttribute("aria-labelledby", "chips-label");
    this.suggest = make("div", { class: "suggest" }, this.chipsLabel, this.chips);
    this.scroll = make("div", { class: "scroll", role: "group", tabindex: "0", "aria-label": w.log },
      this.greeting, this.log, this.suggest);
    this.state = make("p", { class: "state", role: "status" });
    this.foot = make("div", { class: "foot" });
    this.again = make("button", { class: "plain", type: "button", hidden: true, onclick: () => this.submit() }, w.retry);
    this.input = make("input", {
      id: "question", type: "text", dir: "auto", maxlength: "2000", autocomplete: "off", enterkeyhint: "search", placeholder: w.placeholder,
      onkeydown: (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault(); // no form: sandboxed frames forbid submitting one
        this.submit();
      },
    });
    this.send = make("button", { class: "send", type: "button", onclick: () => this.submit() }, w.send);
    this.ask = make("div", { class: "ask", role: "search", "aria-label": w.label },
      make("label", { class: "hidden", for: "question" }, w.label), this.input, this.send);
    this.keep = make("input", { type: "checkbox", id: "keep", onchange: () => this.remember() });
    this.keeping = make("label", { class: "keep" }, this.keep, make("span", {}, w.keep));
    this.says = make("div", { class: "says" }, this.state, this.again);
    this.foot.append(this.says, this.ask, this.keeping, make("p", { class: "links" }, this.counted ? make("span", {}, this.counted) : null,
      this.link(this.page("/impressum"), w.imprint), this.link(this.page("/datenschutz"), w.privacy)));
    this.offer(w.suggestions, this.first);
    return make("section", {
      class: `panel${inline ? " inline" : ""}`, role: inline ? "region" : "dialog", "aria-labelledby": "title",
      lang: this.language, dir, hidden: true,
    },
      make("div", { class: "bar" },
        make("div", { class: "titles" }, this.heading,
          make("p", { lang: this.programme.language, dir: "auto" }, this.programme.title)),
        make("button", { class: "icon restart", type: "button", onclick: () => this.restart() }, w.again),
        inline ? null : make("button", { class: "icon close", type: "button", "aria-label": w.close, title: w.close, onclick: () => this.hide() },
          make("span", { "aria-hidden": "true" }, "✕"))),
      this.scroll,
      this.foot);
  }

  link(href, text, values = {}) {
    return make("a", { href, target: "_blank", rel: "noopener", ...values }, text,
      make("span", { class: "hidden" }, ` (${this.words.new_tab})`));
  }

  keys() {
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.host.inline && !event.isComposing) this.hide();
      if (event.key === "Tab" && this.covers) this.wrap(event);
    });
    // A site's own shortcuts must not fire while somebody types here.
    for (const type of ["keydown", "keypress", "keyup"]) {
      this.element.addEventListener(type, (event) => event.stopPropagation());
    }
  }

  // As a sheet it covers the page, so the focus must not wander off behind it.
  get covers() {
    return this.sheet.matches && !this.host.inline;
  }

  wrap(event) {
    const all = [...this.element.querySelectorAll("button, a, input, .scroll")].filter((each) => each.getClientRects().length);
    const at = this.host.shadowRoot.activeElement;
    const [from, to] = event.shiftKey ? [all[0], all.at(-1)] : [all.at(-1), all[0]];
    if (at !== from && !(event.shiftKey && at === this.heading)) return;
    event.preventDefault();
    to.focus();
  }

  show() {
    if (!this.element.hidden) return this.focus();
    if (!this.host.inline) Panel.shown?.hide();
    this.element.hidden = false;
    this.element.toggleAttribute("aria-modal", false);
    if (this.covers) this.element.setAttribute("aria-modal", "true");
    if (!this.host.inline) Panel.shown = this;
    this.host.shown(true);
    this.fit();
    this.fitting = () => this.fit();
    globalThis.visualViewport?.addEventListener("resize", this.fitting);
    globalThis.visualViewport?.addEventListener("scroll", this.fitting);
    this.focus();
  }

  hide() {
    if (this.element.hidden || this.host.inline) return;
    if (Panel.shown === this) Panel.shown = undefined;
    globalThis.visualViewport?.removeEventListener("resize", this.fitting);
    globalThis.visualViewport?.removeEventListener("scroll", this.fitting);
    this.element.hidden = true;
    this.host.shown(false);
  }

  // Where a finger points, the input would call up a keyboard over the greeting.
  focus() {
    const target = matchMedia("(pointer: coarse)").matches ? this.heading : this.input;
    target.focus({ preventScroll: true });
  }

  // A phone's keyboard covers a fixed sheet; only the visual viewport knows.
  fit() {
    const seen = globalThis.visualViewport;
    if (!seen || seen.scale > 1.01 || self !== top) return;
    this.element.style.setProperty("--_seen", `${seen.height}px`);
    this.element.style.setProperty("--_top", `${seen.offsetTop}px`);
    this.element.classList.toggle("typing", seen.height < 0.75 * innerHeight);
  }

  submit() {
    const question = this.input.value.trim();
    this.input.focus({ preventScroll: true });
    if (question) this.put(question);
  }

  async put(question) {
    const number = ++this.newest;
    this.running?.abort();
    const running = new AbortController();
    this.running = running;
    const timer = setTimeout(() => running.abort("slow"), PATIENCE);
    this.say(this.words.searching);
    this.log.setAttribute("aria-busy", "true");
    // What would be pushed down by the answer goes at once: nothing may move without a cause.
    this.suggest.hidden = this.greeting.hidden = true;
    try {
      const answer = await this.request(question, running.signal);
      if (number !== this.newest) return;
      if (this.input.value.trim() === question) this.input.value = "";
      this.say("");
      this.append(question, answer);
    } catch (error) {
      if (number !== this.newest) return;
      this.say(error.said || (running.signal.aborted ? this.words.slow : this.words.failed), true);
      this.input.value ||= question;
      this.suggest.hidden = false;
      this.greeting.hidden = this.turns.length > 0;
    } finally {
      clearTimeout(timer);
      if (number === this.newest) this.log.removeAttribute("aria-busy");
    }
  }

  async request(message, signal) {
    const response = await fetch(`${this.host.server}api/chat`, {
      method: "POST", signal, credentials: "omit", referrerPolicy: "no-referrer", cache: "no-store",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ message, programme: this.programme.slug, language: this.language }),
    });
    const body = await response.json();
    if (!response.ok) throw Object.assign(new Error(body.title), { said: body.detail });
    return body;
  }

  say(text, failed = false) {
    this.state.textContent = text;
    this.again.hidden = !failed;
    this.says.classList.toggle("failed", failed);
  }

  append(question, answer) {
    this.turns = [...this.turns, [question, answer]].slice(-KEPT);
    const turn = this.turn(question, answer);
    if (this.log.childElementCount === 0) this.log.append(make("p", { class: "notice" }, this.words.notice));
    this.log.append(turn);
    this.greeting.hidden = true;
    this.offer(this.words.more, answer.suggestions);
    this.remember();
    const top = turn.getBoundingClientRect().top - this.scroll.getBoundingClientRect().top;
    const first = this.log.childElementCount === 2; // the notice is to be seen above it
    this.scroll.scrollBy({ top: first ? -this.scroll.scrollTop : top - 8 });
  }

  turn(question, answer) {
    const w = this.words;
    const { status } = answer;
    return make("section", { class: `turn ${status}` },
      make("p", { class: "asked" }, make("span", { class: "hidden" }, `${w.you}: `), make("span", { class: "bubble", dir: "auto" }, question)),
      make("p", { class: "status" }, make("span", { "aria-hidden": "true" }, GLYPHS[status] || ""), w[status] || status),
      make("p", { class: "message" }, make("span", { class: "hidden" }, `${w.bot}: `), answer.message),
      ...answer.passages.map((passage) => this.card(passage)));
  }

  card(passage) {
    return make("article", { class: "card" },
      make("p", { class: "place", lang: this.programme.language, dir: "auto" }, passage.citation),
      make("blockquote", { lang: this.programme.language, dir: "auto" }, ...marked(passage.text, passage.highlights)),
      make("p", { class: "acts" },
        this.link(passage.url, this.words.read, { class: "read" }),
        passage.pdf_url ? this.link(passage.pdf_url, `${this.words.pdf} ${passage.page}`) : null));
  }

  offer(label, questions) {
    this.suggest.hidden = questions.length === 0;
    this.chipsLabel.textContent = label;
    this.chips.replaceChildren(...questions.map((question) => make("li", {},
      make("button", { class: "chip", type: "button", lang: this.programme.language, dir: "auto", onclick: () => this.choose(question) }, question))));
  }

  choose(question) {
    const typing = !matchMedia("(pointer: coarse)").matches;
    (typing ? this.input : this.scroll).focus({ preventScroll: true });
    this.put(question);
  }

  restart() {
    this.newest += 1;
    this.running?.abort();
    this.turns = [];
    this.log.replaceChildren();
    this.log.removeAttribute("aria-busy");
    this.greeting.hidden = false;
    this.input.value = "";
    this.say("");
    this.offer(this.words.suggestions, this.first);
    this.remember();
    this.scroll.scrollTop = 0;
    this.focus();
  }

  // Only what somebody ticked is written, and unticking erases it.
  remember() {
    if (this.keep.checked) this.store.write(this.turns);
    else this.store.erase();
  }

  restore() {
    this.keeping.hidden = !this.store.works;
    const turns = this.store.read();
    if (!turns) return;
    this.keep.checked = true;
    for (const [question, answer] of turns) this.append(question, answer);
  }

  refuse() {
    console.warn(`fundstelle-chat: ${self.origin} is no allowed origin of ${this.programme.slug}; see docs/widget.md`);
    this.ask.hidden = this.keeping.hidden = this.greeting.hidden = true;
    this.offer("", []);
    this.says.classList.add("failed");
    this.state.replaceChildren(`${this.words.refused} `, this.link(this.page(), this.words.elsewhere));
  }
}

// Storage may be forbidden altogether, as in a sandboxed frame: then there is none.
class Store {
  constructor(key) {
    this.key = key;
    try {
      this.storage = sessionStorage;
    } catch {
      this.storage = null;
    }
  }

  get works() {
    return this.storage !== null;
  }

  read() {
    try {
      const turns = JSON.parse(this.storage.getItem(this.key));
      const fits = (turn) => typeof turn?.[0] === "string" && Array.isArray(turn[1]?.passages);
      return Array.isArray(turns) && turns.every(fits) ? turns : null;
    } catch {
      return null;
    }
  }

  write(turns) {
    try {
      this.storage.setItem(this.key, JSON.stringify(turns));
    } catch { /* full: the conversation stays on this page */ }
  }

  erase() {
    try {
      this.storage.removeItem(this.key);
    } catch { /* none there */ }
  }
}

// The server counts characters, JavaScript UTF-16 units: they differ beyond the basic plane.
function marked(text, highlights) {
  const characters = Array.from(text);
  const pieces = [];
  let at = 0;
  for (const [start, end] of highlights) {
    pieces.push(characters.slice(at, start).join(""), make("mark", {}, characters.slice(start, end).join("")));
    at = end;
  }
  pieces.push(characters.slice(at).join(""));
  return pieces.filter((piece) => piece !== "");
}
