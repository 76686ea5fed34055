/**
 * Commands that are printed to be pasted into a shell.
 *
 * Invariant: a shell takes each printed word as one argument, and runs nothing of it, however the ids of a program read.
 * Boundary: pure functions; words in, one line out.
 */
import { escaped, printable } from "./text.ts"

const plain = /^[A-Za-z0-9_./:=@%+-]+$/

/** A word as a POSIX shell reads it back. A character that a terminal must not get is an escape, which bash and zsh read. */
export const shellWord = (text: string): string => {
  if (plain.test(text)) return text
  const quoted = text.replaceAll("'", `'\\''`)
  if (!/[\t\n\r]/.test(text) && printable(text) === text) return `'${quoted}'`
  return `$'${escaped(text.replace(/['\\]/g, "\\$&"))}'`
}

/** The id of a fact or of an approval as a word: as JSON if it begins like JSON, or has a character that no argument can hold. */
export const idWord = (id: string): string =>
  id.isWellFormed() && !id.startsWith('"') && !/[\t\n\r]/.test(id) && printable(id) === id
    ? shellWord(id)
    : shellWord(escaped(JSON.stringify(id)))

/**
 * A command line. `operands`: words that are quoted already. They come after the flags and `--`, if one of them begins with a
 * hyphen.
 */
export const commandLine = (
  command: string,
  operands: ReadonlyArray<string>,
  flags: ReadonlyArray<readonly [flag: string, value: string]>
): string => {
  const given = flags.map(([flag, value]) => `${flag}${value.startsWith("-") ? "=" : " "}${shellWord(value)}`)
  const isPlain = operands.every((operand) => !operand.startsWith("-"))
  const words = isPlain ? [...operands, ...given] : [...given, "--", ...operands]
  return ["converge", command, ...words].join(" ")
}
