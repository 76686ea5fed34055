/**
 * Texts of users as they may be shown: cut where they are long, and with the characters in sight that would hide or turn others.
 *
 * Invariants: a text is cut before anything else is done with it, so a text of any length costs the same; no cut splits a
 * character. Boundary: pure; texts in, texts and marks out. Said.tsx draws them.
 */

/** A character that is shown by its name. */
export interface Mark {
  readonly mark: string
  /** The code point, as Unicode writes it. */
  readonly code: string
}

/**
 * Control characters, marks of direction, characters without a look of their own, and halves of a pair. The joiners of Persian
 * and of emoji stay, unless they stand beside plain ASCII, where they only make two texts look alike.
 */
const odd =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\uFFF0-\uFFFB\uD800-\uDFFF\u{E0000}-\u{E0FFF}]|(?<![^\u0000-\u007F])[\u200C\u200D]|[\u200C\u200D](?![^\u0000-\u007F])/u

/** Spaces at an end would not be seen. */
const ends = /^ +| +$/

const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`

/** The names of the control characters, from U+0000 on, as ASCII has them. */
const controls =
  "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US".split(
    " "
  )

const nameOf = (character: string): string => controls[character.codePointAt(0) ?? 0] ?? codeOf(character)

/** The beginning of a text. It does not end within a character. */
export const beginning = (text: string, limit: number): string => {
  if (text.length <= limit) return text
  const last = text.charCodeAt(limit - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? limit - 1 : limit)
}

/** A text in pieces, none of which ends within a character. `most`: the characters of a piece, two or more. */
export function* piecesOf(text: string, most: number): Generator<string> {
  for (let from = 0; from < text.length;) {
    const piece = beginning(text.slice(from), most)
    yield piece
    from += piece.length
  }
}

const isLayout = (character: string): boolean => character === "\n" || character === "\t"

/** A text in parts that are shown as they are, and marks. `hasLines`: line breaks and tabs are layout. */
export const partsOf = (text: string, hasLines = false): ReadonlyArray<string | Mark> => {
  const parts: Array<string | Mark> = []
  const all = new RegExp(odd, "gu")
  let from = 0
  for (const { 0: character, index } of text.matchAll(all)) {
    if (hasLines && isLayout(character)) continue
    if (index > from) parts.push(text.slice(from, index))
    parts.push({ mark: nameOf(character), code: codeOf(character) })
    from = index + character.length
  }
  if (from < text.length) parts.push(text.slice(from))
  return parts
}

/** A text for a title, a label or a picture, which have no marks: they stand in brackets. */
export const visible = (text: string, limit = 400): string => {
  const shown = beginning(text, limit)
  const parts = partsOf(shown).map((part) => (typeof part === "string" ? part : `\u27E8${part.mark}\u27E9`))
  return `${parts.join("")}${shown.length < text.length ? "\u2026" : ""}`
}

/** A short text of which every space counts, such as an id: those at its ends are marked. */
export const idPartsOf = (text: string): ReadonlyArray<string | Mark> => {
  const [first = "", middle, last = ""] =
    text.trim() === ""
      ? [text, "", ""]
      : [/^ */.exec(text)?.[0], text.replaceAll(new RegExp(ends, "g"), ""), / *$/.exec(text)?.[0]]
  const spaces = (run: string): ReadonlyArray<string | Mark> =>
    run === "" ? [] : /^ +$/.test(run) ? Array.from(run, () => ({ mark: "SP", code: "U+0020" })) : partsOf(run)
  return [...spaces(first), ...partsOf(middle ?? ""), ...spaces(last)]
}

/** A report that is whole by itself, such as "item 3: 10 %": it says how far the task is. */
const isMeasure = (text: string): boolean => /\d\s*%\s*$|\b\d+\s*(?:\/|of)\s*\d+\b/.test(text)

/** Texts that a task reported. Pieces of a text that streams follow one another; those that say how far it is have lines. */
export const joined = (texts: ReadonlyArray<string>): string =>
  texts.join(texts.length > 1 && texts.every(isMeasure) ? "\n" : "")
