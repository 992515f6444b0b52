// Search beside the page, so that typing never waits. Messages: {id, open: state} → what can be done;
// {id, ask: question, limit} → an answer.
import { open } from "./encoder.js";
import { Search, askable, tidy } from "./search.js";
import { encoderFiles, searchFiles } from "./store.js";

let search = null;
let encode = null;

// Null on a phone that can't run it, for want of memory or of WebAssembly: words still find.
async function opened(stored) {
  try {
    const encoder = await open(await encoderFiles(stored));
    await encoder(search.ids("Hallo")); // the first run is the slow one
    return encoder;
  } catch {
    return null;
  }
}

const tasks = {
  async open(stored) {
    search = new Search(await searchFiles(stored));
    encode = null;
    if (stored.encoder && search.dense) encode = await opened(stored);
    return { byMeaning: Boolean(encode) };
  },

  async ask({ question, limit = 3, pagePrefix = "" }) {
    const line = tidy(question);
    const nothing = { passages: [], order: [], suggestions: [] };
    if (!askable(line)) return { status: "unreadable", ...nothing };
    if (search.smallTalk.is(line)) return { status: "small_talk", ...nothing };
    const begin = performance.now();
    const text = search.prepare(line);
    const vector = encode && (await encode(search.ids(text)));
    const { order, best, status, confidence } = search.rank(text, vector);
    const milliseconds = performance.now() - begin;
    const found = status === "nothing" ? [] : order.slice(0, limit);
    return {
      status, confidence, milliseconds, order: order.slice(0, 10), byMeaning: Boolean(encode),
      passages: found.map((number) => search.programme.citation(number, pagePrefix, best[number])),
      suggestions: search.programme.suggestions(found),
    };
  },

  // A passage by its id, old ids too: for favourites and for the view at the door.
  passage({ id, pagePrefix = "" }) {
    const number = search.programme.position.get(id);
    return number === undefined ? null : search.programme.citation(number, pagePrefix);
  },
};

addEventListener("message", async ({ data: { id, task, argument } }) => {
  try {
    postMessage({ id, result: await tasks[task](argument) });
  } catch (error) {
    postMessage({ id, error: String(error?.message || error) });
  }
});
