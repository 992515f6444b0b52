// Small helpers of the page. Text only ever enters it through textContent.

export const $ = (selector, root = document) => root.querySelector(selector);

export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

export const filled = (sentence, gaps) =>
  Object.entries(gaps).reduce((text, [name, value]) => text.replace(`{${name}}`, value), sentence);

export function megabytes(bytes) {
  return `${(bytes / 1e6).toLocaleString("de", { maximumFractionDigits: bytes < 1e7 ? 1 : 0 })} MB`;
}

export function item(text, act) {
  const entry = document.createElement("li");
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "chip", textContent: text });
  button.addEventListener("click", act);
  entry.append(button);
  return entry;
}

export function fillQuote(quote, text, highlights) {
  quote.replaceChildren();
  let at = 0;
  const put = (end, tag) => {
    if (end <= at) return;
    const piece = tag ? document.createElement(tag) : document.createTextNode("");
    piece.textContent = text.slice(at, end);
    quote.append(piece);
    at = end;
  };
  for (const [start, end] of highlights) {
    put(start, null);
    put(end, "mark");
  }
  put(text.length, null);
}
