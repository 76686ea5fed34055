/**
 * Values of columns, with the types that the schema gives them.
 *
 * Boundary: the one place where a value of SQLite gets a type. A value of another type than the schema's comes from a damaged
 * or foreign table, and throws.
 */
export type SqlRow = Readonly<Record<string, unknown>>

const wrong = (column: string, value: unknown): never => {
  throw new TypeError(`the column ${column} has a value of type ${value === null ? "null" : typeof value}`)
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
