/**
 * Text for people: numbers, durations, JSON that fits a terminal, and colours.
 *
 * Text of programs (ids, messages, outputs) may hold anything, escape sequences of terminals included. It goes through
 * `printable` before it is shown. Boundary: pure functions.
 */
import type * as Tty from "node:tty"
import { stripVTControlCharacters, styleText } from "node:util"
import { jsonText } from "../values/jsonText.ts"
import { parseJson } from "../values/parseJson.ts"

export type Format = "bold" | "cyan" | "dim" | "green" | "red" | "yellow"

/** Colours a text, or leaves it as it is. */
export type Style = (format: Format, text: string) => string

/** Colours for a stream that shows them: a terminal that is not a dumb one, unless `NO_COLOR` is set. */
export const styleFor =
  (stream: Tty.WriteStream | NodeJS.WritableStream): Style =>
  (format, text) =>
    styleText(format, text, { stream })

/**
 * The characters that a terminal must not get: control characters, those that change the direction of the text around them, and
 * lone surrogates.
 */
const unsafe = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

const escapeOf = (char: string): string => {
  const code = char.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`
}

/** A text with an escape for each character that a terminal must not get. */
export const escaped = (text: string): string => text.replace(unsafe, escapeOf)

/** The same, except for line breaks and tabs. A carriage return is left out. */
export const printable = (text: string): string =>
  text.replace(unsafe, (char) => {
    if (char === "\n" || char === "\t") return char
    return char === "\r" ? "" : escapeOf(char)
  })

/** A text on one line. */
export const oneLine = (text: string): string => printable(text).replaceAll("\n", " ").replaceAll("\t", " ").trim()

/** The name of a fact, on one line. */
export const nameOf = ({ id, kind }: { readonly kind: string; readonly id: string }): string =>
  `${oneLine(kind)}/${oneLine(id)}`

export const truncate = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`

/** A number with commas: 1234567 as 1,234,567. */
export const thousands = (count: number): string => String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ",")

/** `count` things: "1 fact", "2 facts". */
export const plural = (count: number, noun: string): string => `${thousands(count)} ${noun}${count === 1 ? "" : "s"}`

export const duration = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} m ${String(seconds % 60).padStart(2, "0")} s`
}

export const bytes = (count: number): string => {
  if (count < 1_000) return `${count} B`
  return count < 1_000_000 ? `${(count / 1_000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`
}

export const indent = (text: string, by: string): string =>
  text
    .split("\n")
    .map((line) => (line === "" ? line : by + line))
    .join("\n")

/** Puts parts side by side, on as many lines as are needed for each to fit into `width`. */
export const flow = (parts: ReadonlyArray<string>, width: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  for (const part of parts) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 2 + part.length <= width) lines[lines.length - 1] = `${last}  ${part}`
    else lines.push(part)
  }
  return lines
}

/** Breaks lines that are wider than `width` between words. A line with columns goes on below its last column. */
export const wrap = (text: string, width: number): string =>
  text
    .split("\n")
    .flatMap((line) => wrapLine(line, width))
    .join("\n")

const wrapLine = (line: string, width: number): ReadonlyArray<string> => {
  const bare = stripVTControlCharacters(line)
  if (bare.length <= width) return [line]
  const indentation = bare.length - bare.trimStart().length
  const gap = bare.slice(indentation).search(/ {2,}\S/)
  const columns = gap === -1 ? 0 : indentation + gap + (/^ +/.exec(bare.slice(indentation + gap))?.[0].length ?? 0)
  // Beside a very wide column there is no room: the text goes on a little to the right.
  const hanging = " ".repeat(columns > 0 && columns <= width / 2 ? columns : Math.min(indentation + 4, width / 2))
  const lines: Array<string> = []
  let current = ""
  for (const word of line.split(/(?<=\S)(?= +\S)/)) {
    const next = current + word
    if (stripVTControlCharacters(next).length <= width || current.trim() === "") current = next
    else {
      lines.push(current)
      current = hanging + word.trimStart()
    }
  }
  return [...lines, current]
}

/** Pads a table's columns. `right`: the columns aligned to the right. The last column is padded only if it is one of these. */
export const table = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  right: ReadonlyArray<number> = []
): ReadonlyArray<string> => {
  const widths: Array<number> = []
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)))
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0
        if (right.includes(column)) return cell.padStart(width)
        return column === row.length - 1 ? cell : cell.padEnd(width)
      })
      .join("  ")
  )
}

/**
 * A value as JSON would hold it, to a bounded depth. A bigint becomes its digits; undefined if JSON has no such value.
 *
 * @throws TypeError for a circular value, and any error that the value itself throws
 */
export const toPlain = (value: unknown): unknown => {
  const text = jsonText(value)
  return text === undefined ? undefined : parseJson(text)
}

/** JSON over several lines; a part that fits into `width` is on one line. The value must come from `toPlain`. */
export const pretty = (value: unknown, width: number, by = "", used = by.length): string => {
  const flat = inlineJson(value)
  if (typeof value !== "object" || value === null || flat.length <= 2) return flat
  // An object that is not inside another value reads better as a list of its properties, however short.
  if ((Array.isArray(value) || used > 0) && used + flat.length <= width) return flat
  const inner = `${by}  `
  const item = (child: unknown, name = ""): string =>
    inner + name + pretty(child, width, inner, inner.length + name.length)
  const [open, close, items] = Array.isArray(value)
    ? ["[", "]", value.map((child) => item(child))]
    : ["{", "}", Object.entries(value).map(([key, child]) => item(child, `${JSON.stringify(key)}: `))]
  return `${open}\n${items.join(",\n")}\n${by}${close}`
}

/** JSON on one line, with a space after colons and commas. The value must come from `toPlain`. */
export const inlineJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(inlineJson).join(", ")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${inlineJson(item)}`)
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`
}
