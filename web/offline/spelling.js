// index/spelling.py in JavaScript: slips of the finger, put right by the programme's own words.
import { fold } from "./german.js";

const WORD = /[\p{L}\p{Nl}\p{No}]+/gu;

export class Speller {
  // `stems`: those that the programme has; `count` tells the word pieces of a word. Only a word of `least`
  // letters and as many as `pieces` is put right.
  constructor(texts, stems, german, count, { least, pieces }) {
    Object.assign(this, { stems, german, count, least, pieces, spelling: new Map(), byStart: new Map() });
    const counts = new Map();
    for (const text of texts) {
      for (const word of text.match(WORD) || []) counts.set(word, (counts.get(word) || 0) + 1);
    }
    const words = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
    const folded = fold(words.join("\n")).split("\n");
    folded.forEach((form, n) => { if (!this.spelling.has(form)) this.spelling.set(form, words[n]); });
    for (const form of this.spelling.keys()) {
      if (form.length < least - 1) continue;
      if (!this.byStart.has(form[0])) this.byStart.set(form[0], []);
      this.byStart.get(form[0]).push(form);
    }
  }

  correct(query) {
    return query.replace(WORD, (word) => this.word(word));
  }

  word(word) {
    const folded = fold(word);
    if (folded.length < this.least || this.known(folded) || !this.looksMisspelt(word)) return word;
    const near = (this.byStart.get(folded[0]) || []).filter((other) => oneSlipApart(folded, other));
    return near.length ? this.spelling.get(near.sort()[0]) : word;
  }

  known(folded) {
    return this.spelling.has(folded) || this.german.stopwords.has(folded)
      || this.stems.has(this.german.stem(folded)) || this.german.parts(folded, this.stems).length > 0;
  }

  looksMisspelt(word) {
    const lower = word.toLowerCase();
    const forms = new Set([word, lower, lower.slice(0, 1).toUpperCase() + lower.slice(1)]);
    return Math.min(...[...forms].map((form) => this.count(form))) >= this.pieces;
  }
}

// Equal, or one letter more, less, other, or two neighbours swapped.
export function oneSlipApart(a, b) {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [left, right] = [a.length - start - end, b.length - start - end];
  if (left <= 1 && right <= 1) return true;
  return left === 2 && right === 2 && a[start] === b[start + 1] && a[start + 1] === b[start];
}
