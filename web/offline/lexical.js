// The ranker of a phone without the encoder: words and 4-grams, of passages, of their sentences and
// headings, and of the questions that an editor attached to them. Weights and thresholds are its own,
// learnt by training/lexical.py on other programmes' questions.
import { fuse, highest, mean, ordered, standardise } from "./scores.js";

export class LexicalRanker {
  constructor({ programme, lexicon, confidence, settings }) {
    Object.assign(this, { programme, lexicon, confidence, settings });
    this.count = programme.passages.length;
    this.sentenceGrams = programme.passages.map((passage, n) =>
      passage.sentences.map((_, part) => lexicon.gramTerms(programme.sentence(n, part))));
    this.headingGrams = programme.sections.map((section) => lexicon.gramTerms(section.heading));
    this.bankGrams = programme.bank.map(([question, passage]) => [lexicon.gramTerms(question), passage]);
  }

  rank(text) {
    const asked = this.lexicon.gramTerms(text);
    const [sentence, best] = this.sentences(asked);
    const raw = {
      words: this.lexicon.scoreWords(text),
      grams: this.lexicon.scoreGrams(text),
      sentence,
      heading: this.headings(asked),
      bank: this.bank(asked),
    };
    const fused = fuse(raw, this.settings.lexicalWeights);
    const order = ordered(fused);
    const features = this.features(text, raw, fused, order, best);
    let confidence = highest(raw.grams) > 0 ? this.confidence.probability(features) : 0;
    if (raw.bank[order[0]] >= this.settings.sameQuestion) confidence = Math.max(confidence, this.settings.attached);
    return { order, fused, best, confidence, status: this.confidence.status(confidence), features, raw };
  }

  sentences(asked) {
    const best = new Int32Array(this.count);
    const found = Float32Array.from(this.sentenceGrams, (parts, n) => {
      const scores = parts.map((terms) => overlap(asked, terms));
      best[n] = scores.indexOf(Math.max(...scores));
      return scores[best[n]];
    });
    return [found, best];
  }

  headings(asked) {
    const bySection = this.headingGrams.map((terms) => overlap(asked, terms));
    return Float32Array.from(this.programme.passages, (passage) => bySection[passage.section]);
  }

  bank(asked) {
    const found = new Float32Array(this.count).fill(NaN);
    for (const [terms, passage] of this.bankGrams) {
      const score = overlap(asked, terms);
      if (!(found[passage] >= score)) found[passage] = score;
    }
    return found;
  }

  features(text, raw, fused, order, best) {
    const first = order[0];
    const [coverage, missing] = this.lexicon.coverage(text, first);
    return {
      stands_out: standardise(fused)[first],
      margin: fused[first] - fused[order[Math.min(3, order.length - 1)]],
      coverage,
      missing,
      gram: raw.grams[first],
      sentence: highest(raw.sentence),
      spread: highest(raw.grams) - mean(raw.grams),
      words_agree: Number(ordered(raw.words).slice(0, 3).includes(first)),
      ...this.confidence.asked(text, this.programme.sentence(first, best[first])),
    };
  }
}

// Cosine of two unit vectors of terms.
function overlap(asked, terms) {
  let sum = 0;
  for (const [term, weight] of asked) sum += weight * (terms.get(term) || 0);
  return sum;
}
