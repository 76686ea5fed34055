/**
 * Text of the audited files, made fit to be shown: names and messages may hold anything, escape sequences included.
 *
 * Boundary: pure text.
 */

/** Matches a character that moves a cursor, colours a terminal, turns the direction of a line, breaks it, or is no character. */
const unseen = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

const names: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

const escaped = (char: string): string => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`

/** A text with its control characters as escapes. */
export const visible = (text: string): string => text.replace(unseen, (char) => names[char] ?? escaped(char))

/** JSON in which no control character is left. It means the same. */
export const visibleJson = (json: string): string => json.replace(unseen, escaped)
