// Puts questions to pseudo-programmes with the phone's own code, for training/lexical.py:
// node lexical.mjs <folder>. Each case in cases.json gets its signals and features in answers.json.
import { readFileSync, writeFileSync } from "node:fs";
import { Search } from "../web/offline/search.js";

const folder = process.argv[2];
const text = (name) => readFileSync(`${folder}/${name}`, "utf8");
const bytes = (name) => new Uint8Array(readFileSync(`${folder}/${name}`)).buffer;
const settings = JSON.parse(text("settings.json"));
const tokenizer = bytes("tokenizer.bin");
const searches = JSON.parse(text("programmes.json")).map((programme, n) =>
  new Search({ programme, settings, tokenizer, lexicon: bytes(`lexicon-${n}.bin`) }));
const short = (scores) => Array.from(scores, (score) => (Number.isNaN(score) ? null : Number(score.toFixed(4))));
const answers = JSON.parse(text("cases.json")).map(({ programme, question }) => {
  const search = searches[programme];
  const { raw, order, features } = search.rank(search.prepare(question));
  const signals = Object.fromEntries(Object.entries(raw).map(([name, scores]) => [name, short(scores)]));
  return { order: order.slice(0, 3), features, signals };
});
writeFileSync(`${folder}/answers.json`, JSON.stringify(answers));
