/**
 * Text in columns of a terminal: how wide it is, and how it is cut, padded and wrapped.
 *
 * A character of Chinese, Japanese or Korean and an emoji take two columns, a combining mark none.
 *
 * Boundary: pure; texts hold no escape sequence (visible.ts).
 */
import stringWidth from "string-width"

const isPlain = (text: string): boolean => /^[ -~]*$/.test(text)

/** The columns that a text takes. */
export const widthOf = (text: string): number => (isPlain(text) ? text.length : stringWidth(text))

const segmenter = new Intl.Segmenter()

const graphemes = (text: string): ReadonlyArray<string> =>
  isPlain(text) ? text.split("") : Array.from(segmenter.segment(text), ({ segment }) => segment)

/** A text in at most `width` columns; what is cut is cut from its start or end. */
export const fit = (text: string, width: number, cut: "start" | "end"): string => {
  if (widthOf(text) <= width) return text
  const parts = graphemes(text)
  const kept = takeWithin(cut === "end" ? parts : [...parts].reverse(), Math.max(0, width - 1))
  return cut === "end" ? `${kept.join("")}\u2026` : `\u2026${[...kept].reverse().join("")}`
}

const takeWithin = (parts: ReadonlyArray<string>, width: number): ReadonlyArray<string> => {
  let used = 0
  const end = parts.findIndex((part) => (used += widthOf(part)) > width)
  return end === -1 ? parts : parts.slice(0, end)
}

export const padEnd = (text: string, width: number): string => text + " ".repeat(Math.max(0, width - widthOf(text)))

/** A text in lines of at most `width` columns, broken between words where that is possible. The last line may be cut. */
export const wrap = (text: string, width: number, linesMax: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  const words = text.split(" ")
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? ""
    const longer = line === "" ? word : `${line} ${word}`
    if (widthOf(longer) <= width) {
      line = longer
      continue
    }
    if (lines.length === linesMax - 1)
      return [...lines, fit([longer, ...words.slice(index + 1)].join(" "), width, "end")]
    if (line !== "") {
      lines.push(line)
      line = ""
      index--
      continue
    }
    const start = takeWithin(graphemes(word), width).join("")
    lines.push(start)
    words[index--] = word.slice(start.length)
  }
  return line === "" ? lines : [...lines, line]
}
