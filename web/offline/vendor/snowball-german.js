// The German stemmer of Snowball 3.1 (snowballstem.org), after german.sbl: the version that PyStemmer
// 3.1 has. The stemmers on npm are of older versions, with other stems. BSD-3-Clause, see
// snowball-LICENSE.txt.

const VOWELS = "aeiouyäöü";
const S_ENDING = "bdfghklmnrt";
const ST_ENDING = "bdfghklmnt";
const ET_ENDING = "Udfgklmnrstzä";
const vowel = (letter) => letter !== undefined && VOWELS.includes(letter);
const letterIn = (set, letter) => letter !== undefined && set.includes(letter);

// The longest of these endings that `word` has.
function ending(word, endings) {
  let longest = "";
  for (const one of endings) if (one.length > longest.length && word.endsWith(one)) longest = one;
  return longest;
}

function prelude(word) {
  const letters = word.split("");
  for (let at = 0; at + 2 < letters.length; at++) {
    const inner = letters[at + 1];
    if (vowel(letters[at]) && (inner === "u" || inner === "y") && vowel(letters[at + 2])) {
      letters[at + 1] = inner.toUpperCase();
    }
  }
  const marked = { qu: "qu", ae: "ä", oe: "ö", ue: "ü", ß: "ss" };
  return letters.join("").replace(/qu|ae|oe|ue|ß/g, (found) => marked[found]);
}

// Where R1 and R2 begin.
function regions(word) {
  const end = word.length;
  if (end < 3) return [end, end];
  const after = (from) => {
    let at = from;
    while (at < end && !vowel(word[at])) at++;
    while (at < end && vowel(word[at])) at++;
    return at < end ? at + 1 : -1;
  };
  const first = after(0);
  if (first < 0) return [end, end];
  const second = after(first);
  return [Math.max(first, 3), second < 0 ? end : second];
}

function inflection(word, r1) {
  const found = ending(word, ["e", "em", "en", "erinnen", "erin", "ln", "ern", "er", "s", "es", "lns"]);
  const left = word.slice(0, word.length - found.length);
  if (!found || left.length < r1) return word;
  if (found === "em") return left.endsWith("syst") ? word : left;
  if (found === "s") return letterIn(S_ENDING, left.at(-1)) ? left : word;
  if (found === "ln" || found === "lns") return `${left}l`;
  if (["e", "en", "es"].includes(found)) return left.endsWith("niss") ? left.slice(0, -1) : left;
  return left;
}

function comparison(word, r1) {
  const found = ending(word, ["en", "er", "et", "st", "est"]);
  const left = word.slice(0, word.length - found.length);
  if (!found || left.length < r1) return word;
  if (found === "st") return letterIn(ST_ENDING, left.at(-1)) && left.length >= 4 ? left : word;
  if (found === "et") {
    const kept = !letterIn(ET_ENDING, left.at(-1)) || ending(left, ["tick", "plan", "geordn", "intern", "tr"]);
    return kept ? word : left;
  }
  return left;
}

function derivation(word, r1, r2) {
  const found = ending(word, ["end", "ig", "ung", "lich", "isch", "ik", "heit", "keit"]);
  const left = word.slice(0, word.length - found.length);
  if (!found || left.length < r2) return word;
  if (found === "end" || found === "ung") {
    const inner = left.slice(0, -2);
    return left.endsWith("ig") && !inner.endsWith("e") && inner.length >= r2 ? inner : left;
  }
  if (["ig", "isch", "ik"].includes(found)) return left.endsWith("e") ? word : left;
  if (found === "keit") {
    const inner = ending(left, ["ig", "lich"]);
    return inner && left.length - inner.length >= r2 ? left.slice(0, -inner.length) : left;
  }
  return ending(left, ["er", "en"]) && left.length - 2 >= r1 ? left.slice(0, -2) : left;
}

function apostrophe(word) {
  const found = ending(word, ["'", "'sch", "'s"]);
  return found && word.length - found.length >= 2 ? word.slice(0, -found.length) : word;
}

export function stem(word) {
  const marked = prelude(word);
  const [r1, r2] = regions(marked);
  const stemmed = apostrophe(derivation(comparison(inflection(marked, r1), r1), r1, r2));
  const plain = { U: "u", Y: "y", ä: "a", ö: "o", ü: "u" };
  return stemmed.replace(/[UYäöü]/g, (letter) => plain[letter]);
}
