// The service worker: gives out what the phone has stored, when there is no network. Registered by a
// tap only. It stores nothing itself and never sees a question: those are POSTs, or never leave the page.
"use strict";

const STATE = "fundstelle-state"; // one entry a programme: which cache is the finished one
const PATIENCE = 4000; // milliseconds until a page that is stored comes from the phone

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (!event.request.destination) return; // fetch() by the page's own code: it wants the server
  if (url.pathname.startsWith("/offline/")) event.respondWith(storedFirst(event.request));
  else if (/^\/p\/[^/]+\/app(\.webmanifest)?$/.test(url.pathname)) event.respondWith(finishedFirst(event.request, url));
  else if (event.request.mode === "navigate" || url.pathname.startsWith("/static/")) {
    event.respondWith(networkFirst(event.request, url));
  }
});

async function states() {
  if (!(await caches.has(STATE))) return [];
  const cache = await caches.open(STATE);
  const found = await Promise.all((await cache.keys()).map(async (key) => (await cache.match(key)).json()));
  return found;
}

async function finished(url) {
  const slug = url.pathname.match(/^\/p\/([^/]+)/)?.[1];
  for (const state of await states()) {
    if (slug && state.slug !== slug) continue;
    const found = await (await caches.open(state.cache)).match(url.pathname);
    if (found) return found;
  }
  return undefined;
}

// Addresses with a version in them: what is stored is what the server would send.
async function storedFirst(request) {
  return (await caches.match(request, { ignoreSearch: true, ignoreVary: true })) || fetch(request);
}

// The app's own page belongs to one finished version: its code, its text and its words fit together.
async function finishedFirst(request, url) {
  return (await finished(url)) || fetch(request);
}

async function networkFirst(request, url) {
  const stored = await finished(url);
  try {
    return await (stored ? soon(fetch(request)) : fetch(request));
  } catch (error) {
    if (stored) return stored;
    const app = request.mode === "navigate" && await appInstead(url);
    if (app) return Response.redirect(app, 302);
    throw error;
  }
}

function soon(answer) {
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("late")), PATIENCE));
  return Promise.race([answer, late]);
}

// The chat needs the server; the app of the same programme does not.
async function appInstead(url) {
  const slug = url.pathname.match(/^\/p\/([^/]+)\/?$/)?.[1];
  const all = await states();
  const state = all.find((one) => one.slug === slug) || (url.pathname === "/" && all[0]);
  return state && `/p/${state.slug}/app`;
}
