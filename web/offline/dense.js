// The dense side of index/search.py: cosines of the question's vector to every row of vectors.bin.
import { fuse, highest, mean, ordered, standardise } from "./scores.js";

const Kind = { PASSAGE: 0, TEXT: 1, SENTENCE: 2, HEADING: 3, BANK: 4 };

export class DenseRanker {
  constructor({ arrays }, { programme, lexicon, confidence, settings }) {
    Object.assign(this, { programme, lexicon, confidence, settings });
    this.rows = arrays;
    this.count = programme.passages.length;
  }

  rank(text, vector) {
    const cosines = this.cosines(vector);
    const [sentence, best] = this.sentences(cosines);
    const [whole, bare] = [this.best(cosines, Kind.PASSAGE), this.best(cosines, Kind.TEXT)];
    const raw = {
      passage: whole.map((score, n) => 0.5 * Math.fround(score + bare[n])),
      sentence,
      heading: this.headings(cosines),
      words: this.lexicon.scoreWords(text),
      grams: this.lexicon.scoreGrams(text),
      bank: this.best(cosines, Kind.BANK),
    };
    const fused = fuse(raw, this.settings.weights);
    const order = ordered(fused);
    const features = this.features(text, vector, raw, fused, order, best);
    let confidence = this.confidence.probability(features);
    if (raw.bank[order[0]] >= this.settings.sameQuestion) confidence = Math.max(confidence, this.settings.attached);
    return { order, fused, best, confidence, status: this.confidence.status(confidence), features, raw };
  }

  cosines(vector) {
    const size = vector.length;
    const { vectors } = this.rows;
    const found = new Float32Array(this.rows.kind.length);
    for (let row = 0, at = 0; row < found.length; row++) {
      let sum = 0;
      for (let n = 0; n < size; n++) sum += vector[n] * vectors[at++];
      found[row] = sum;
    }
    return found;
  }

  // Each passage's best cosine among its rows of this kind; NaN where it has none.
  best(cosines, kind) {
    const found = new Float32Array(this.count).fill(NaN);
    this.rows.kind.forEach((of, row) => {
      const owner = this.rows.owner[row];
      if (of === kind && !(found[owner] >= cosines[row])) found[owner] = cosines[row];
    });
    return found;
  }

  sentences(cosines) {
    const found = new Float32Array(this.count).fill(-Infinity);
    const best = new Int32Array(this.count);
    this.rows.kind.forEach((of, row) => {
      const owner = this.rows.owner[row];
      if (of !== Kind.SENTENCE || cosines[row] <= found[owner]) return; // the first of equals, as numpy's argmax
      [found[owner], best[owner]] = [cosines[row], this.rows.part[row]];
    });
    return [found, best];
  }

  headings(cosines) {
    const bySection = new Map();
    this.rows.kind.forEach((of, row) => { if (of === Kind.HEADING) bySection.set(this.rows.owner[row], cosines[row]); });
    return Float32Array.from(this.programme.passages, (passage) => bySection.get(passage.section) ?? 0);
  }

  features(text, vector, raw, fused, order, best) {
    const first = order[0];
    const [coverage, missing] = this.lexicon.coverage(text, first);
    const words = highest(raw.words) || 1;
    const grams = highest(raw.grams) || 1;
    const lexical = raw.words.map((score, n) => Math.fround(score / words) + Math.fround(raw.grams[n] / grams));
    const top = highest(raw.passage);
    return {
      cosine: raw.passage[first],
      sentence: highest(raw.sentence),
      stands_out: standardise(fused)[first],
      margin: fused[first] - fused[order[Math.min(3, order.length - 1)]],
      spread: top - mean(raw.passage),
      coverage,
      missing,
      lexical_agrees: Number(ordered(lexical).slice(0, 3).includes(first)),
      dense_agrees: Number(first === raw.passage.indexOf(top)),
      gram: raw.grams[first],
      wording: this.confidence.wording(vector),
      ...this.confidence.asked(text, this.programme.sentence(first, best[first])),
    };
  }
}
