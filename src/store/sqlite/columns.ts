/**
 * Values of columns, with the types that the schema gives them.
 *
 * Boundary: the one place where a value of SQLite gets a type. A value of another type than the schema's comes from a damaged
 * or foreign table, and throws.
 */
import { describeError } from "../../values/panic.ts"

export type SqlRow = Readonly<Record<string, unknown>>

/** A column has a value that the schema excludes. */
export class WrongColumn extends TypeError {
  readonly column: string
  constructor(column: string, has: string) {
    super(`the column ${column} has ${has}`)
    this.column = column
  }
}

const wrong = (column: string, value: unknown): never => {
  throw new WrongColumn(column, `a value of type ${value === null ? "null" : typeof value}`)
}

/** The parts of a journal behind columns whose names differ from theirs. */
const parts: Readonly<Record<string, string>> = { ending: "end", ending_sum: "end", header_sum: "header" }

/** The part of a journal that an error of its columns is about, and the error in words. */
export const wrongPart = (error: unknown): { readonly part: string; readonly message: string } => {
  const column = error instanceof WrongColumn ? error.column : "job"
  return { part: parts[column] ?? column, message: describeError(error) }
}

export const integer = (row: SqlRow, column: string): number => {
  const value = row[column]
  return typeof value === "number" ? value : wrong(column, value)
}

export const text = (row: SqlRow, column: string): string => {
  const value = row[column]
  return typeof value === "string" ? value : wrong(column, value)
}

export const maybeInteger = (row: SqlRow, column: string): number | undefined =>
  row[column] === null ? undefined : integer(row, column)

export const maybeText = (row: SqlRow, column: string): string | undefined =>
  row[column] === null ? undefined : text(row, column)
