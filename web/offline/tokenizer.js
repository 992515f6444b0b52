// A SentencePiece Unigram tokenizer as Hugging Face's `tokenizers` runs it: the best of all ways to
// cut each word into pieces, by the sum of their log probabilities (Viterbi).

const SPECIAL = /(<s>|<pad>|<\/s>|<unk>)/; // taken as they are, before anything else
const UNKNOWN_PENALTY = 10;

export class Tokenizer {
  constructor({ pieces, scores }, { unknown, begin, end, mostTokens, special }) {
    const names = new TextDecoder().decode(pieces).split("\n");
    this.ids = new Map(names.map((name, id) => [name, id]));
    this.longest = names.reduce((most, name) => Math.max(most, name.length), 0);
    this.scores = scores;
    this.unknownScore = scores.reduce((least, score) => Math.min(least, score), 0) - UNKNOWN_PENALTY;
    Object.assign(this, { unknown, begin, end, mostTokens, special: new Set(special) });
    this.words = new Map(); // of words cut already
  }

  // Ids as the encoder wants them, with begin and end.
  encode(text) {
    return [this.begin, ...this.cut(text).slice(0, this.mostTokens - 2), this.end];
  }

  // How many pieces a word has.
  pieces(word) {
    return this.cut(word).length;
  }

  cut(text) {
    return text.split(SPECIAL).flatMap((part) => {
      if (this.special.has(part)) return [this.ids.get(part)];
      const clean = part.normalize("NFKC").replaceAll(" {2,}", " ").replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");
      if (!clean) return [];
      const marked = clean.replaceAll(" ", "▁");
      return (marked.startsWith("▁") ? marked : `▁${marked}`).match(/▁[^▁]*/g).flatMap((word) => this.word(word));
    });
  }

  word(word) {
    let found = this.words.get(word);
    if (!found) {
      if (this.words.size > 20000) this.words.clear();
      this.words.set(word, (found = this.viterbi(word)));
    }
    return found;
  }

  viterbi(word) {
    const size = word.length;
    const best = new Float64Array(size + 1);
    const from = new Int32Array(size + 1).fill(-1);
    const ids = new Int32Array(size + 1);
    const offer = (start, stop, score, id) => {
      if (from[stop] >= 0 && score <= best[stop]) return;
      [best[stop], from[stop], ids[stop]] = [score, start, id];
    };
    for (let at = 0; at < size;) {
      const letter = word.codePointAt(at) > 0xffff ? 2 : 1;
      let single = false;
      for (let stop = at + letter; stop <= Math.min(size, at + this.longest); stop++) {
        const id = this.ids.get(word.slice(at, stop));
        if (id === undefined) continue;
        offer(at, stop, this.scores[id] + best[at], id);
        single ||= stop === at + letter;
      }
      if (!single) offer(at, at + letter, this.unknownScore + best[at], this.unknown);
      at += letter;
    }
    return this.backwards(size, from, ids);
  }

  // Neighbouring unknown letters become one piece.
  backwards(size, from, ids) {
    const found = [];
    for (let stop = size; stop > 0; stop = from[stop]) {
      if (ids[stop] !== this.unknown || found.at(-1) !== this.unknown) found.push(ids[stop]);
    }
    return found.reverse();
  }
}
