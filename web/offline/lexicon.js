// index/lexicon.py in JavaScript, the query's side: BM25 over words, tf-idf cosine over 4-grams.
// Sums are rounded to 32 bits at each step, as numpy does: equal scores must stay equal.

class Postings {
  constructor(arrays, name) {
    const terms = new TextDecoder().decode(arrays[`${name}_terms`]);
    this.terms = new Map(terms ? terms.split("\n").map((term, row) => [term, row]) : []);
    for (const part of ["starts", "passages", "weights", "rarity"]) this[part] = arrays[`${name}_${part}`];
  }

  scores(query, count) {
    const total = new Float32Array(count);
    for (const [term, weight] of query) {
      const row = this.terms.get(term);
      if (row === undefined) continue;
      const times = Math.fround(weight);
      for (let at = this.starts[row]; at < this.starts[row + 1]; at++) {
        total[this.passages[at]] += Math.fround(times * this.weights[at]);
      }
    }
    return total;
  }

  has(term, passage) {
    const row = this.terms.get(term);
    if (row === undefined) return false;
    return this.passages.subarray(this.starts[row], this.starts[row + 1]).includes(passage);
  }
}

export class Lexicon {
  // `partWeight`: what a part of a compound says beside the whole word.
  constructor(arrays, count, german, partWeight) {
    Object.assign(this, { count, german, partWeight });
    this.words = new Postings(arrays, "words");
    this.grams = new Postings(arrays, "grams");
  }

  scoreWords(query) {
    return this.words.scores(this.wordTerms(query), this.count);
  }

  scoreGrams(query) {
    return this.grams.scores(this.gramTerms(query), this.count);
  }

  // Stems with their counts, and the parts of compounds with less.
  wordTerms(text) {
    const terms = new Map();
    const add = (term, weight) => terms.set(term, (terms.get(term) || 0) + weight);
    for (const word of this.german.words(text)) {
      add(this.german.stem(word), 1);
      for (const part of this.german.parts(word, this.words.terms)) add(part, this.partWeight);
    }
    return terms;
  }

  // Known 4-grams as a unit vector.
  gramTerms(text) {
    const counts = new Map();
    for (const word of this.german.words(text)) {
      for (const gram of this.german.grams(word)) counts.set(gram, (counts.get(gram) || 0) + 1);
    }
    const weighted = new Map();
    let squares = 0;
    for (const [gram, count] of counts) {
      const row = this.grams.terms.get(gram);
      if (row === undefined) continue;
      const weight = (1 + Math.log(count)) * this.grams.rarity[row];
      weighted.set(gram, weight);
      squares += weight * weight;
    }
    const norm = Math.sqrt(squares) || 1;
    for (const [gram, weight] of weighted) weighted.set(gram, weight / norm);
    return weighted;
  }

  // How much of the query's words, by rarity, stands in a passage; and the rarest word missing.
  coverage(query, passage) {
    const words = new Map(this.german.words(query).map((word) => [this.german.stem(word), word]));
    const ceiling = Math.log(1 + this.count);
    let [inside, total, missing] = [0, 0, 0];
    for (const [stem, word] of words) {
      const row = this.words.terms.get(stem);
      const rarity = row === undefined ? ceiling : Math.min(ceiling, this.words.rarity[row]);
      total += rarity;
      if (this.standsIn(stem, word, passage)) inside += rarity;
      else missing = Math.max(missing, rarity);
    }
    return [total ? inside / total : 0, missing / ceiling];
  }

  standsIn(stem, word, passage) {
    if (this.words.has(stem, passage)) return true;
    const parts = this.german.parts(word, this.words.terms);
    return parts.length > 0 && parts.every((part) => this.words.has(part, passage));
  }
}
