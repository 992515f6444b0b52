// The widget until somebody opens it: a button. No request, no cookie, no storage.
// <script src="https://…/widget.js" data-programme="…" async></script>; see docs/widget.md.
(() => {
  "use strict";
  const TAG = "fundstelle-chat";
  const CSS = "%widget.css%"; // these three are put in when the file is served
  const WORDS = "%words%";
  const VERSION = "%version%";
  const PATIENCE = 15000; // milliseconds

  // A tag manager may run this late or as a copy: then the script is looked for.
  const script = document.currentScript || document.querySelector('script[src*="/widget.js"]');
  const server = script?.src ? new URL(".", script.src).href : new URL("/", location.href).href;

  const late = (milliseconds) => new Promise((_, reject) => {
    setTimeout(() => reject(new DOMException("too slow", "TimeoutError")), milliseconds);
  });

  class Chat extends HTMLElement {
    #button;
    #state;
    #panel;
    #opening;
    #tries = 0;

    // `programme` on an element the site placed, `data-programme` from the script.
    option(name) {
      return this.getAttribute(name) ?? this.getAttribute(`data-${name}`);
    }

    get inline() {
      return this.option("inline") !== null;
    }

    get corner() {
      return cornerOf(this.option("corner") ?? this.option("position"));
    }

    get language() {
      const wanted = this.option("language") || this.closest("[lang]")?.lang || "de";
      return wanted.toLowerCase().split("-")[0].slice(0, 16);
    }

    get server() {
      return this.option("server") || server;
    }

    connectedCallback() {
      if (this.shadowRoot) return; // moved within the page
      const root = this.attachShadow({ mode: "open" });
      this.addStyle(CSS);
      this.#appoint();
      const words = WORDS[this.language] || WORDS.de;
      const label = this.option("label") || words.launch;
      this.#button = document.createElement("button");
      this.#button.type = "button";
      this.#button.className = "launcher";
      this.#button.setAttribute("part", "launcher");
      if (!this.inline) this.#button.setAttribute("aria-haspopup", "dialog");
      this.#button.append(icon(), Object.assign(document.createElement("span"), { textContent: label }));
      this.#button.addEventListener("click", () => this.open());
      this.#state = document.createElement("p");
      this.#state.className = "opening";
      this.#state.setAttribute("role", "status");
      const place = document.createElement("section"); // a landmark, so that it is found
      place.className = "closed";
      place.lang = WORDS[this.language] ? this.language : "de";
      place.dir = words.dir;
      place.setAttribute("aria-label", label);
      if (this.inline) {
        const greeting = document.createElement("p");
        greeting.textContent = this.option("greeting") || words.greeting;
        place.append(greeting);
      }
      place.append(this.#button, this.#state);
      root.append(place);
    }

    disconnectedCallback() {
      // Moving an element disconnects it for a moment only.
      queueMicrotask(() => { if (!this.isConnected) this.#panel?.hide(); });
    }

    // Constructed sheets need no permission from the page's CSP; a <style> would.
    addStyle(text) {
      try {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(text);
        this.shadowRoot.adoptedStyleSheets = [...this.shadowRoot.adoptedStyleSheets, sheet];
      } catch {
        this.shadowRoot.append(Object.assign(document.createElement("style"), { textContent: text }));
      }
    }

    // Colours and corner, through CSSOM, which no CSP forbids as it does style="…".
    #appoint() {
      const set = (name, value) => this.style.setProperty(name, value);
      const accent = this.option("accent");
      if (accent && globalThis.CSS.supports("color", accent)) set("--fundstelle-accent", accent);
      const theme = this.option("theme");
      if (theme) this.dataset.theme = theme;
      if (!this.inline) {
        this.dataset.corner = this.corner;
        const before = [...document.querySelectorAll(TAG)].filter(
          (each) => each !== this && each.dataset.corner === this.corner,
        );
        set("--fundstelle-place", String(this.rank ?? before.length));
        const [x, y] = (this.option("offset") || "").split(/[\s,]+/).map(Number.parseFloat);
        if (x >= 0) set("--fundstelle-x", `${x}px`);
        if (y >= 0) set("--fundstelle-y", `${y}px`);
      } else {
        this.dataset.inline = "";
      }
      set("--fundstelle-contrast", contrast(this));
    }

    async open() {
      if (this.#panel) return this.#panel.show();
      this.#opening ??= this.#load().finally(() => { this.#opening = undefined; });
      return this.#opening;
    }

    close() {
      this.#panel?.hide();
    }

    // Called by the dialog.
    shown(open) {
      this.toggleAttribute("data-open", open);
      if (!open) this.#button.focus();
    }

    async #load() {
      const words = WORDS[this.language] || WORDS.de;
      const say = setTimeout(() => { this.#state.textContent = words.opening; }, 300);
      this.#button.setAttribute("aria-busy", "true");
      try {
        const again = this.#tries++ ? `&again=${this.#tries}` : ""; // some browsers remember failures
        const loading = Promise.all([
          import(`${this.server}widget/dialog.js?v=${VERSION}${again}`),
          this.#start(),
        ]);
        const [dialog, start] = await Promise.race([loading, late(PATIENCE)]);
        this.#panel = dialog.mount(this, start);
        clearTimeout(say);
        this.#state.textContent = "";
        this.#panel.show();
      } catch (error) {
        clearTimeout(say);
        this.#state.textContent = error.said || words.offline;
      } finally {
        this.#button.removeAttribute("aria-busy");
      }
    }

    async #start() {
      const query = new URLSearchParams({ language: this.language });
      const programme = this.option("programme");
      if (programme) query.set("programme", programme);
      const response = await fetch(`${this.server}widget/words.json?${query}`, {
        credentials: "omit", referrerPolicy: "no-referrer",
      });
      const body = await response.json();
      if (response.ok) return body;
      console.warn(`${TAG}: ${body.detail}`); // for whoever builds the site
      throw Object.assign(new Error(body.title), { said: body.detail });
    }
  }

  function cornerOf(wanted) {
    const text = wanted ?? "";
    return `${text.includes("top") ? "top" : "bottom"}-${text.includes("left") ? "left" : "right"}`;
  }

  function icon() {
    const svg = (name, values) => {
      const element = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(values)) element.setAttribute(key, value);
      return element;
    };
    const picture = svg("svg", { viewBox: "0 0 24 24", width: "22", height: "22", "aria-hidden": "true" });
    const stroke = { fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linejoin": "round", "stroke-linecap": "round" };
    picture.append(svg("path", { ...stroke, d: "M4 4h16v12H10l-5 4v-4H4zM8 8.5h8M8 12h5" }));
    return picture;
  }

  // Black or white, whichever is read more easily on the accent colour (WCAG's formula).
  function contrast(host) {
    const probe = document.createElement("i");
    probe.className = "probe";
    host.shadowRoot.append(probe);
    const parts = getComputedStyle(probe).color.match(/^rgba?\(([\d.]+), ?([\d.]+), ?([\d.]+)/);
    probe.remove();
    if (!parts) return "#fff";
    const [r, g, b] = parts.slice(1).map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
  }

  // Where several programmes share a corner, the order is that of their lines in the page, not
  // that in which the scripts happen to arrive; so nothing need move when the next one comes.
  function rankOf(line) {
    const lines = [...document.querySelectorAll('script[src*="/widget.js"][data-programme]')];
    const corner = ({ dataset }) => cornerOf(dataset.corner ?? dataset.position);
    const before = lines.slice(0, Math.max(0, lines.indexOf(line)));
    const programmes = before.filter((each) => corner(each) === corner(line)).map((each) => each.dataset.programme);
    return new Set(programmes).size;
  }

  function place() {
    const { programme } = script.dataset;
    const same = (each) => each.option("programme") === programme && !each.inline;
    if ([...document.querySelectorAll(TAG)].some(same)) return; // the line stands there twice
    const chat = document.createElement(TAG);
    chat.rank = rankOf(script);
    for (const { name, value } of script.attributes) {
      if (name.startsWith("data-")) chat.setAttribute(name, value);
    }
    chat.setAttribute("data-server", server);
    const next = [...document.querySelectorAll(TAG)].find((each) => each.rank > chat.rank);
    if (next) next.before(chat);
    else document.body.append(chat);
  }

  if (!globalThis.customElements) return;
  if (!customElements.get(TAG)) customElements.define(TAG, Chat);
  if (script?.dataset.programme) {
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", place);
    else place();
  }
})();
