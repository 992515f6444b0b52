"""From the characters of a PDF to headings, paragraphs and items, each step a module.

    decode     pages → lines of text with place and style; the only importer of pypdfium2
    layout     lines → reading order over columns
    furniture  running heads, page numbers, line numbers, footnotes told apart
    contents   the printed table of contents
    paragraphs lines → blocks
    headings   which blocks are headings, and of which level

`index.readers.pdf` puts them together.
"""
