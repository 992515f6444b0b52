// index/confidence.py in JavaScript: how probable it is that the best hits answer the question.
import { W } from "./german.js";

const BORDER = `(?:(?<=${W})(?!${W})|(?<!${W})(?=${W}))`; // Python's \b

export class Confidence {
  // `asks`, `given`: regular expressions as Python writes them, the first by name.
  constructor(calibration, asks, given) {
    Object.assign(this, calibration);
    this.given = new RegExp(given, "iu");
    this.asks = Object.entries(asks).map(([name, pattern]) => {
      const translated = pattern.replaceAll("\\b", BORDER).replaceAll("\\w", W).replaceAll("e-?mail", "e[-]?mail");
      return [name, new RegExp(translated, "iu")];
    });
  }

  asked(question, key) {
    const flags = Object.fromEntries(this.asks.map(([name, pattern]) => [name, Number(pattern.test(question))]));
    return { ...flags, number_given: flags.asks_number * Number(this.given.test(key)) };
  }

  wording(vector) {
    if (!this.direction?.length) return 0;
    return this.direction.reduce((sum, weight, n) => sum + weight * vector[n], this.offset);
  }

  probability(features) {
    let total = this.intercept;
    for (const [name, weight] of Object.entries(this.weights)) total += weight * features[name];
    return 1 / (1 + Math.exp(-Math.max(-30, Math.min(30, total))));
  }

  status(probability) {
    if (probability >= this.answered) return "answered";
    return probability >= this.related ? "related" : "nothing";
  }
}
