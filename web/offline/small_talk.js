// index/small_talk.py in JavaScript; the words come with the settings.
import { fold } from "./german.js";

export class SmallTalk {
  constructor({ openers, companions, sentences }) {
    this.openers = new Set(openers);
    this.all = new Set([...openers, ...companions]);
    this.sentences = new Set(sentences);
  }

  // Whether a message asks nothing of a programme.
  is(text) {
    const words = fold(text).match(/[\p{L}\p{N}]+/gu) || [];
    if (this.sentences.has(words.join(" "))) return true;
    return words.some((word) => this.openers.has(word)) && words.every((word) => this.all.has(word));
  }
}
