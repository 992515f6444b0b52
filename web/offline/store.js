// What is kept on the phone, all of it in the Cache API, nothing before a tap.
//
//   fundstelle-state                  for each programme: the name of its finished cache
//   fundstelle-<slug>-<version>-<shell>   text, lexicon, reader, app: one version, whole or not named
//   fundstelle-encoder-<hash>         the encoder, in parts, with its runtime; shared by versions
//
// A version is downloaded aside, each file compared with its hash, and turned on by one write to
// fundstelle-state. What is not named there is never answered from.

const STATE = "fundstelle-state";
const PART = 4 << 20; // bytes of the encoder that are fetched at a time: what has come stays
const TRIES = 3;

export const ONNX = "encoder.onnx";
const key = (slug) => `/state/${slug}`;
const address = (slug, version, name) => `/p/${slug}/offline/${version}/${name}`;

export class Damaged extends Error {}

// { slug, version, shell, cache, bytes, encoder: { cache, bytes } | null, manifest } or null.
export async function state(slug) {
  if (!globalThis.caches || !(await caches.has(STATE))) return null;
  const found = await (await caches.open(STATE)).match(key(slug));
  return found ? found.json() : null;
}

async function turnOn(next) {
  const body = new Response(JSON.stringify(next), { headers: { "Content-Type": "application/json" } });
  await (await caches.open(STATE)).put(key(next.slug), body);
  return next;
}

export async function current(slug) {
  const response = await fetch(`/p/${slug}/offline/manifest.json`, { cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
}

export const isNew = (stored, manifest) =>
  stored.version !== manifest.version || stored.shell !== manifest.shell.version
  || Boolean(stored.encoder && stored.encoder.cache !== encoderCache(manifest));

// Bytes of a step: as they travel (`transfer`), or as they lie on the phone (`size`).
export const sizeOf = (manifest, step, measure = "transfer") => {
  const files = manifest.files.filter((file) => file.step === step);
  if (step === 1) files.push(...manifest.shell.files);
  else if (manifest.runtime) files.push(...manifest.runtime.files);
  return files.reduce((sum, file) => sum + file[measure], 0);
};

// Step one: everything to search by words and to read. Takes over the encoder of the version before,
// if that is the same, else fetches the new one where there was one.
export async function prepare(manifest, progress) {
  const { slug, version } = manifest;
  const before = await state(slug);
  const name = `fundstelle-${slug}-${version}-${manifest.shell.version}`;
  const cache = await caches.open(name);
  const wanted = [
    ...manifest.files.filter((file) => file.step === 1).map((file) => [address(slug, version, file.name), file]),
    ...manifest.shell.files.map((file) => [`/offline/${manifest.shell.version}/${file.name}`, file]),
  ];
  const total = sizeOf(manifest, 1);
  let done = 0;
  for (const [path, file] of wanted) {
    await keep(cache, path, file);
    progress?.((done += file.transfer), total);
  }
  await keepPages(cache, slug, version, manifest.shell.version);
  let encoder = before?.encoder || null;
  if (encoder) encoder = manifest.runtime ? await keepEncoder(manifest, cache, progress) : null;
  const next = await turnOn({ slug, version, shell: manifest.shell.version, cache: name, bytes: sizeOf(manifest, 1, "size"), encoder, manifest });
  await sweep();
  return next;
}

// Step two: the encoder, its runtime and the vectors.
export async function addEncoder(slug, manifest, progress) {
  const stored = await state(slug);
  const encoder = await keepEncoder(manifest, await caches.open(stored.cache), progress);
  const next = await turnOn({ ...stored, manifest, encoder });
  await sweep();
  return next;
}

export async function removeEncoder(slug) {
  const stored = await state(slug);
  const next = await turnOn({ ...stored, encoder: null });
  const cache = await caches.open(stored.cache);
  await cache.delete(address(slug, stored.version, "vectors.bin"));
  await dropEncoder(stored);
  return next;
}

export async function removeAll(slug) {
  const stored = await state(slug);
  if (stored) {
    await (await caches.open(STATE)).delete(key(slug));
    await dropEncoder(stored);
  }
  await sweep();
  if ((await caches.keys()).some((name) => name.startsWith("fundstelle-"))) return;
  for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister();
}

async function states() {
  const cache = await caches.open(STATE);
  return Promise.all((await cache.keys()).map(async (one) => (await cache.match(one)).json()));
}

// Whole or half downloaded; not if another programme uses it.
async function dropEncoder({ encoder, manifest }) {
  const used = new Set((await states()).map((one) => one.encoder?.cache));
  for (const name of [encoder?.cache, encoderCache(manifest)]) if (name && !used.has(name)) await caches.delete(name);
}

// Away with caches that no finished version names. Of an encoder that is still coming, the parts stay.
async function sweep() {
  const all = await states();
  const named = new Set(all.flatMap((one) => [one.cache, one.encoder?.cache, encoderCache(one.manifest)]));
  if (all.length) named.add(STATE);
  for (const name of await caches.keys()) {
    if (name.startsWith("fundstelle-") && !named.has(name)) await caches.delete(name);
  }
}

const encoderCache = (manifest) => {
  const onnx = manifest.files.find((file) => file.name === ONNX);
  return `fundstelle-encoder-${onnx?.sha256.slice(0, 16)}-${manifest.runtime?.version}`;
};

async function keepEncoder(manifest, cache, progress) {
  const { slug, version, runtime } = manifest;
  const name = encoderCache(manifest);
  const total = sizeOf(manifest, 2);
  let done = 0;
  const came = (bytes) => progress?.((done += bytes), total);
  const vectors = manifest.files.find((file) => file.name === "vectors.bin");
  await keep(cache, address(slug, version, vectors.name), vectors);
  came(vectors.transfer);
  const shared = await caches.open(name);
  for (const file of runtime.files) {
    await keep(shared, `/offline/${runtime.version}/${file.name}`, file);
    came(file.transfer);
  }
  await keepBig(shared, manifest, came);
  return { cache: name, bytes: sizeOf(manifest, 2, "size"), runtime: runtime.version };
}

// A file whose hash is right, unless it is there already, from this version or another.
async function keep(cache, path, file) {
  if (await cache.match(path)) return;
  const old = await caches.match(path);
  if (old && (await sha256(await old.clone().arrayBuffer())) === file.sha256) { // another server may make another
    await cache.put(path, old);
    return;
  }
  const response = await again(() => fetched(path));
  const content = await response.arrayBuffer();
  if ((await sha256(content)) !== file.sha256) throw new Damaged(file.name);
  await cache.put(path, new Response(content, { headers: kept(response) }));
}

// Where the encoder's parts lie and from where to where they go.
function parts(file) {
  const starts = Array.from({ length: Math.ceil(file.size / PART) }, (_, n) => n * PART);
  return starts.map((start) => [`/encoder/${file.sha256}/${start}`, start, Math.min(file.size, start + PART)]);
}

// The encoder, in parts that outlive a lost connection; compared with its hash when all are there.
async function keepBig(cache, { slug, version, files }, came) {
  const file = files.find((one) => one.name === ONNX);
  for (const [place, start, stop] of parts(file)) {
    if (!(await cache.match(place))) {
      await cache.put(place, new Response(await again(() => range(address(slug, version, ONNX), start, stop))));
    }
    came(stop - start);
  }
  if ((await sha256(await assembled(cache, file))) === file.sha256) return;
  for (const [place] of parts(file)) await cache.delete(place);
  throw new Damaged(file.name);
}

async function assembled(cache, file) {
  const whole = new Uint8Array(file.size);
  for (const [place, start] of parts(file)) {
    whole.set(new Uint8Array(await (await cache.match(place)).arrayBuffer()), start);
  }
  return whole;
}

async function range(path, start, stop) {
  const response = await fetched(path, { headers: { Range: `bytes=${start}-${stop - 1}` } });
  const content = await response.arrayBuffer();
  // A server between us that knows no ranges sends everything: take our part of it.
  const part = response.status === 206 ? content : content.slice(start, stop);
  if (part.byteLength !== stop - start) throw new Error("short");
  return part;
}

// Past the browser's own cache: else all would lie there a second time, and a damaged file for ever.
async function fetched(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", ...options });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

async function again(attempt) {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * tries));
    }
  }
}

async function sha256(content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function kept(response) {
  const names = ["Content-Type", "Content-Security-Policy", "Cross-Origin-Opener-Policy", "Referrer-Policy",
    "Permissions-Policy", "X-Content-Type-Options"];
  return Object.fromEntries(names.map((name) => [name, response.headers.get(name)]).filter(([, value]) => value));
}

// The pages that belong to a version, with what they load. They say which version they are of; a
// new one that came between is an error, and the next try takes it whole.
async function keepPages(cache, slug, version, shell) {
  for (const path of ["app", "programm", "impressum", "datenschutz"]) {
    const response = await fetched(`/p/${slug}/${path}`);
    const page = await response.clone().text();
    if (!page.includes(version.slice(0, 8)) || (path === "app" && !page.includes(shell))) throw new Error("changed");
    await cache.put(`/p/${slug}/${path}`, new Response(page, { headers: kept(response) }));
    for (const [, asset] of page.matchAll(/(?:src|href)="(\/static\/[^"?#]+)[^"]*"/g)) {
      if (!(await cache.match(asset))) await cache.put(asset, await plain(asset));
    }
  }
  await cache.put(`/p/${slug}/app.webmanifest`, await plain(`/p/${slug}/app.webmanifest`));
}

async function plain(path) {
  const response = await again(() => fetched(path));
  return new Response(await response.arrayBuffer(), { headers: kept(response) });
}

// The files that search needs, out of one finished version.
export async function searchFiles(stored) {
  const cache = await caches.open(stored.cache);
  const of = async (name) => {
    const found = await cache.match(address(stored.slug, stored.version, name));
    return found ? found.arrayBuffer() : null;
  };
  const listed = (name) => stored.manifest.files.some((file) => file.name === name);
  const json = async (name) => JSON.parse(new TextDecoder().decode(await of(name)));
  return {
    programme: await json("programme.json"), settings: await json("settings.json"),
    lexicon: await of("lexicon.bin"), tokenizer: listed("tokenizer.bin") ? await of("tokenizer.bin") : null,
    vectors: stored.encoder ? await of("vectors.bin") : null,
  };
}

// The encoder and the WebAssembly it runs in.
export async function encoderFiles(stored) {
  const cache = await caches.open(stored.encoder.cache);
  const file = stored.manifest.files.find((one) => one.name === ONNX);
  const base = `/offline/${stored.encoder.runtime}`;
  const of = async (path) => (await cache.match(path)).arrayBuffer();
  return { base, model: await assembled(cache, file), wasm: await of(`${base}/ort-wasm-simd-threaded.wasm`) };
}
