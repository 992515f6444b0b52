// The panel that says what is stored on the phone, and stores, renews and removes it.
import * as store from "./store.js";
import { $, filled, megabytes } from "./page.js";

const LOOK_EVERY = 15 * 60_000; // milliseconds between looks for a new version, while the app is open

export class StoragePanel {
  // `opened` is told of each finished version that answers are to come from, and of null; `removed`
  // when everything is to be forgotten.
  constructor(slug, words, opened, removed) {
    Object.assign(this, { slug, words, opened, removed, stored: null, manifest: null, busy: false });
    $("#to-storage").addEventListener("click", () => { $("#storage").showModal(); this.look(); });
    $("#prepare").addEventListener("click", () => this.work(() => this.prepare()));
    $("#encoder-add").addEventListener("click", () => this.work(() => this.addEncoder()));
    $("#encoder-remove").addEventListener("click", () => this.work(() => this.turn(store.removeEncoder(slug))));
    $("#remove").addEventListener("click", () => this.work(() => this.remove()));
    for (const change of ["online", "offline"]) addEventListener(change, () => this.look());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
  }

  async start() {
    if (!("serviceWorker" in navigator) || !globalThis.caches) {
      this.look();
      this.say(this.words.unavailable);
      $("#prepare").disabled = true;
      return;
    }
    await this.openStored(await store.state(this.slug));
    setInterval(() => this.stored && this.look(), LOOK_EVERY);
    this.show();
    this.look();
  }

  // What is stored may have been cleared by the browser, in part: then it is as if nothing were.
  async openStored(stored) {
    if (!stored) return;
    try {
      await this.opened(stored);
      Object.assign(this, { stored, manifest: stored.manifest });
    } catch {
      await this.opened(null);
      this.say(this.words.prepare_failed);
    }
  }

  // What does the server have? Whether it answers is also what the page says of the network: browsers
  // call themselves online in any Wi-Fi.
  async look() {
    try {
      this.manifest = await store.current(this.slug);
      this.reached(true);
    } catch {
      this.reached(false);
      return;
    }
    this.show();
    if (this.stored && store.isNew(this.stored, this.manifest)) await this.work(() => this.renew());
  }

  async renew() {
    const { words } = this;
    const shell = this.stored.shell;
    $("#news").textContent = words.update_found;
    try {
      await this.turn(store.prepare(this.manifest));
    } catch (error) {
      $("#news").textContent = ""; // the old version goes on answering; the next look tries again
      throw error;
    }
    const news = filled(words.update_done, { version: this.stored.version.slice(0, 8) });
    $("#news").replaceChildren(news);
    if (this.stored.shell !== shell || document.body.dataset.version !== this.stored.version) {
      const reload = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: words.update_reload });
      reload.addEventListener("click", () => location.reload());
      $("#news").append(" ", reload);
    }
  }

  async prepare() {
    await navigator.serviceWorker.register("/sw.js", { scope: "/" });
    await navigator.serviceWorker.ready;
    await navigator.storage?.persist?.();
    this.manifest = await store.current(this.slug);
    await this.turn(store.prepare(this.manifest, (done, total) => this.progress(done, total)));
  }

  async addEncoder() {
    this.manifest = await store.current(this.slug);
    if (store.isNew(this.stored, this.manifest)) await this.turn(store.prepare(this.manifest));
    await this.turn(store.addEncoder(this.slug, this.manifest, (done, total) => this.progress(done, total)));
  }

  async remove() {
    await store.removeAll(this.slug);
    this.removed();
    this.stored = null;
    await this.opened(null);
    this.say(this.words.removed);
  }

  reached(online) {
    $("#network").textContent = online ? this.words.online : this.words.offline;
    document.body.classList.toggle("is-offline", !online);
  }

  // A new finished state: answers come from it from now on.
  async turn(promise) {
    this.stored = await promise;
    await this.opened(this.stored);
  }

  async work(task) {
    if (this.busy) return;
    this.busy = true;
    this.say("");
    this.show();
    try {
      await task();
    } catch (error) {
      this.say(error instanceof store.Damaged ? this.words.damaged : this.words.prepare_failed);
    } finally {
      this.busy = false;
      $("#progress").hidden = true;
      this.show();
    }
  }

  progress(done, total) {
    $("#progress").hidden = false;
    $("#progress").value = done / total;
    this.say(filled(this.words.preparing, { share: Math.floor((100 * done) / total) }));
    if (done >= total) this.say("");
  }

  say(sentence) {
    $("#progress-text").textContent = sentence;
  }

  show() {
    const { stored, manifest, words, busy } = this;
    const encoder = stored?.encoder;
    const version = stored?.version.slice(0, 8);
    const kept = stored ? filled(words.prepared, { version, size: megabytes(stored.bytes) }) : words.nothing_stored;
    const meaning = encoder ? filled(words.encoder_on, { size: megabytes(encoder.bytes) }) : words.encoder_off;
    const possible = Boolean(manifest?.runtime);
    $("#storage-state").textContent = kept;
    $("#kept").textContent = stored ? `${kept} ${meaning}` : kept;
    $("#prepare").hidden = Boolean(stored);
    $("#prepare-hint").hidden = Boolean(stored) || !manifest;
    if (manifest) $("#prepare-hint").textContent = filled(words.prepare_hint, { size: megabytes(store.sizeOf(manifest, 1)) });
    $("#encoder-state").textContent = manifest && !possible ? words.encoder_none : meaning;
    $("#encoder-hint").hidden = Boolean(encoder) || !possible;
    $("#encoder-add").hidden = !stored || Boolean(encoder) || !possible;
    if (possible) $("#encoder-add").textContent = filled(words.encoder_add, { size: megabytes(store.sizeOf(manifest, 2)) });
    $("#encoder-remove").hidden = !encoder;
    $("#remove").hidden = !stored;
    for (const id of ["prepare", "encoder-add", "encoder-remove", "remove"]) $(`#${id}`).disabled = busy;
  }
}
