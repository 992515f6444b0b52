// The programme on the phone: what programme.json holds, and how it is cited.

export class Programme {
  constructor(table) {
    Object.assign(this, table);
    this.position = new Map(this.passages.map((passage, n) => [passage.id, n]));
    for (const [old, now] of Object.entries(this.aliases)) {
      if (!this.position.has(old)) this.position.set(old, this.position.get(now));
    }
  }

  sentence(passage, part) {
    const { text, sentences } = this.passages[passage];
    return text.slice(...sentences[part]);
  }

  // A passage with its place; `part` is the sentence that matters most.
  citation(number, pagePrefix, part = null) {
    const passage = this.passages[number];
    const section = this.sections[passage.section];
    const place = [...new Set([section.chapter, section.heading])].join(" › ");
    return {
      id: passage.id, text: passage.text,
      highlights: part === null ? [] : [passage.sentences[part]],
      citation: place + pages(passage, pagePrefix),
      path: `/p/${this.slug}/programm#${passage.id}`,
    };
  }

  // Questions to go on with: of the sections just found, else from all over the programme.
  suggestions(found = [], most = 4) {
    const near = new Set(found.map((number) => this.passages[number].section));
    const all = this.sections.flatMap((section, n) =>
      (this.bank.length ? section.questions : [section.heading]).map((question) => [n, question]));
    const close = all.filter(([n]) => near.has(n));
    const offers = close.length ? close : all;
    const step = Math.max(1, Math.floor(offers.length / most));
    return offers.filter((_, n) => n % step === 0).slice(0, most).map(([, question]) => question);
  }
}

function pages({ page, endPage }, prefix) {
  if (page === null) return "";
  const last = endPage || page;
  return `, ${prefix}${page}${last > page ? `–${last}` : ""}`;
}
