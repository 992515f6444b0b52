"""What people ask, and what of it the programme does not answer; off unless FUNDSTELLE_INSIGHTS=on.
Nothing outside this package imports it then. Why it is built so: docs/decisions/0008-insights.md.

    bot.state ──► listening    takes note of an answer, works on it afterwards in a thread
                     │
                  groups       who asked the same: in memory, small groups for seven days at most
                     │            (words: what they have in common)
                  store        groups of at least ten, written once a day, never touched again
                     │
    __main__ ──►  report       prints and plots what the store holds

One promise goes through all of it: whatever is written or shown is true of at least `K` different
askers, and no word of a question is kept that fewer of them used.
"""

K = 10  # askers; the visitors were told this number, so it is no setting
