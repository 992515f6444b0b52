// index/abbreviations.py in JavaScript: "in der Offenen Ganztagsschule (OGS)".
import { W } from "./german.js";

const EXPLAINED = new RegExp(`((?:(?:${W}|[*:-])+ ){1,5})\\(([A-ZÄÖÜ](?:${W}|-){1,9})\\)`, "gu");
const ASKED = new RegExp(`(?:${W}|-)+`, "gu");

// Short form, lower case → long form, for each that is explained somewhere in `texts`.
export function learn(texts) {
  const found = new Map();
  for (const text of texts) {
    for (const [, before, short] of text.matchAll(EXPLAINED)) {
      const long = longForm(before.trim().split(/\s+/), short);
      const key = short.toLowerCase();
      if (long && !found.has(key)) found.set(key, long);
    }
  }
  return found;
}

// `query` with the long form before each known short form.
export function expand(query, known) {
  if (!known.size) return query;
  return query.replace(ASKED, (short) => {
    const long = known.get(short.toLowerCase());
    return long ? `${long} (${short})` : short;
  });
}

function longForm(words, short) {
  for (let start = 0; start < words.length; start++) {
    if (words[start][0] !== short[0]) continue;
    const long = words.slice(start).join(" ");
    if (inOrder(short, long.toLowerCase())) return long;
  }
  return "";
}

function inOrder(short, letters) {
  let at = 0;
  for (const capital of short) {
    if (!/\p{Lu}/u.test(capital)) continue;
    at = letters.indexOf(capital.toLowerCase(), at) + 1;
    if (!at) return false;
  }
  return true;
}
