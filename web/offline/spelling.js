// index/spelling.py in JavaScript: slips of the finger, put right by the programme's own words.
import { fold } from "./german.js";

const ASCII = /^[\x00-\x7f]*$/;
const WORD = /[\p{L}\p{Nl}\p{No}]+/gu;

export class Speller {
  // `stems`: those that the programme has; `count` tells the word pieces of a word. Only a word of `least`
  // letters and as many as `pieces` is put right.
  constructor(texts, stems, german, count, { least, pieces, speltOut }) {
    Object.assign(this, { stems, german, count, least, pieces, speltOut });
    Object.assign(this, { spelling: new Map(), print: new Map(), byStart: new Map() });
    const counts = new Map();
    for (const text of texts) {
      for (const word of text.match(WORD) || []) counts.set(word, (counts.get(word) || 0) + 1);
    }
    const words = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
    const folded = fold(words.join("\n")).split("\n");
    folded.forEach((form, n) => {
      const small = words[n].toLowerCase();
      if (!this.spelling.has(form)) this.spelling.set(form, words[n]);
      if (!this.print.has(small)) this.print.set(small, words[n]);
    });
    for (const form of this.spelling.keys()) {
      if (form.length < least - 1) continue;
      if (!this.byStart.has(form[0])) this.byStart.set(form[0], []);
      this.byStart.get(form[0]).push(form);
    }
  }

  correct(query) {
    const small = query === query.toLowerCase();
    return query.replace(WORD, (word) => this.word(word, small));
  }

  // As in print: a capital for who types none, ä for ae, where that is a word.
  printed(word, folded, typedSmall) {
    const small = typedSmall && !this.german.stopwords.has(folded); // which are small in print, too
    const forms = this.forms(word, small);
    const known = forms.find((form) => this.print.has(form.toLowerCase()));
    if (known) return small ? this.print.get(known.toLowerCase()) : known;
    // A compound is a noun, mostly: its capital form is first.
    if (small && this.german.parts(folded, this.stems).length) forms.sort((a, b) => isSmall(a) - isSmall(b));
    // Whoever leaves the dots out.
    if (small && ASCII.test(word) && this.spelling.has(folded)) forms.unshift(this.spelling.get(folded));
    return this.fewest(forms);
  }

  forms(word, small) {
    const forms = [word];
    for (const [letters, letter] of this.speltOut) {
      forms.push(...forms.filter((form) => form.includes(letters)).map((form) => form.replaceAll(letters, letter)));
    }
    return small ? forms.concat(forms.map(capitalized)) : forms;
  }

  // The first of those with the fewest pieces.
  fewest(forms) {
    if (forms.length === 1) return forms[0];
    const counts = forms.map((form) => this.count(form));
    return forms[counts.indexOf(Math.min(...counts))];
  }

  word(word, small) {
    const folded = fold(word);
    return this.right(this.printed(word, folded, small), folded);
  }

  right(word, folded) {
    if (folded.length < this.least || this.known(folded) || !this.looksMisspelt(word)) return word;
    const near = (this.byStart.get(folded[0]) || []).filter((other) => oneSlipApart(folded, other));
    return near.length ? this.spelling.get(near.sort()[0]) : word;
  }

  known(folded) {
    return this.spelling.has(folded) || this.german.stopwords.has(folded)
      || this.stems.has(this.german.stem(folded)) || this.german.parts(folded, this.stems).length > 0;
  }

  looksMisspelt(word) {
    const forms = new Set([word, word.toLowerCase(), capitalized(word)]);
    return Math.min(...[...forms].map((form) => this.count(form))) >= this.pieces;
  }
}

const isSmall = (form) => form === form.toLowerCase();

function capitalized(word) {
  const [first, ...others] = word.toLowerCase();
  const [initial, ...more] = first.toUpperCase(); // of ß two: SS
  return [initial, ...more.map((letter) => letter.toLowerCase()), ...others].join("");
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
