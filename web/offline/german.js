// index/german.py in JavaScript, the query's side: folded, stemmed, with the parts of compounds.
// The word lists come with the lexicon, so that Python stays their only home.
import { stem as snowball } from "./vendor/snowball-german.js";

export const W = "[\\p{L}\\p{N}_]"; // Python's \w, which JavaScript's is not
const GENDERED = new RegExp(`(${W}{2,})(?:[*:_/]-?|\\()(in|innen|r|n|e)\\)?(?!${W})`, "gu");
const INNER_CAPITAL = new RegExp(`([a-zäöüß]{3,})Innen(?!${W})`, "gu");
const WORD = /[\p{L}\p{N}]+/gu;

export function fold(text) {
  return text.normalize("NFKC").replace(INNER_CAPITAL, "$1").replace(GENDERED, "$1")
    .toLowerCase().replaceAll("ß", "ss")
    .replaceAll("ae", "a").replaceAll("oe", "o").replaceAll("ue", "u")
    .normalize("NFD").replace(/\p{Mn}/gu, "");
}

export class German {
  constructor({ stopwords, gram, leastPart, mostWhole, links }) {
    Object.assign(this, { stopwords: new Set(stopwords), gram, leastPart, mostWhole, links });
    this.stems = new Map();
  }

  words(text) {
    return (fold(text).match(WORD) || []).filter((word) => !this.stopwords.has(word));
  }

  stem(word) {
    let found = this.stems.get(word);
    if (found === undefined) this.stems.set(word, (found = snowball(word)));
    return found;
  }

  grams(word) {
    const padded = `_${word}_`;
    const count = Math.max(1, padded.length - this.gram + 1);
    return Array.from({ length: count }, (_, at) => padded.slice(at, at + this.gram));
  }

  // The stems of the two parts of a compound, where both are known; else nothing.
  parts(word, known) {
    if ([...word].length > this.mostWhole) return [];
    const least = this.leastPart;
    let best = 0;
    let found = [];
    for (let cut = least; cut <= word.length - least; cut++) {
      const right = this.stem(word.slice(cut));
      if (!known.has(right)) continue;
      for (const link of this.links) {
        if (!word.slice(0, cut).endsWith(link)) continue;
        const left = this.stem(word.slice(0, cut - link.length));
        const balance = Math.min(cut, word.length - cut);
        if (left.length >= least - 1 && known.has(left) && balance > best) {
          [best, found] = [balance, [left, right]];
        }
      }
    }
    return found;
  }
}
