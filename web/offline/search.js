// A question → ranked passages, on the phone. With vectors and an encoder as index/search.py ranks, to
// the passage; without them by words alone, with thresholds of its own.
import * as abbreviations from "./abbreviations.js";
import { unpack } from "./arrays.js";
import { Confidence } from "./confidence.js";
import { DenseRanker } from "./dense.js";
import { German } from "./german.js";
import { LexicalRanker } from "./lexical.js";
import { Lexicon } from "./lexicon.js";
import { Programme } from "./programme.js";
import { SmallTalk } from "./small_talk.js";
import { Speller } from "./spelling.js";
import { Tokenizer } from "./tokenizer.js";

export class Search {
  // `files`: { programme, settings } parsed; { lexicon, tokenizer, vectors } as ArrayBuffers. Without a
  // tokenizer nothing is spelt anew; without vectors it ranks by words.
  constructor(files) {
    const { settings } = files;
    this.programme = new Programme(files.programme);
    const german = new German(settings.german);
    const lexicon = new Lexicon(unpack(files.lexicon).arrays, this.programme.passages.length, german, settings.partWeight);
    const shared = { programme: this.programme, lexicon, settings };
    const texts = this.programme.passages.map((passage) => passage.text);
    if (files.tokenizer) {
      const { arrays, ...about } = unpack(files.tokenizer);
      this.tokenizer = new Tokenizer(arrays, about);
      this.speller = new Speller(texts, lexicon.words.terms, german, (word) => this.tokenizer.pieces(word), settings.spelling);
    }
    this.known = abbreviations.learn(texts.filter((text) => text.includes("(")));
    this.lexical = new LexicalRanker({ ...shared, confidence: new Confidence(settings.lexicalCalibration, settings.asks, settings.given) });
    this.dense = files.vectors && this.tokenizer && new DenseRanker(unpack(files.vectors), {
      ...shared, confidence: new Confidence(settings.calibration, settings.asks, settings.given),
    });
    this.smallTalk = new SmallTalk(settings.smallTalk);
    this.prompt = settings.queryPrompt;
  }

  // One line without control characters, its slips put right, its abbreviations explained.
  prepare(query) {
    const line = tidy(query);
    return abbreviations.expand(this.speller ? this.speller.correct(line) : line, this.known);
  }

  // Token ids of a prepared question, for the encoder.
  ids(text) {
    return this.tokenizer.encode(this.prompt + text);
  }

  rank(text, vector = null) {
    return vector && this.dense ? this.dense.rank(text, vector) : this.lexical.rank(text);
  }
}

export function tidy(text) {
  return text.normalize("NFC").replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, " ").trim().split(/\s+/).join(" ");
}

export const askable = (text) => /[\p{L}\p{N}_]/u.test(text);
