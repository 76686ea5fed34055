/**
 * Values of columns, with the types that the schema gives them.
 *
 * Boundary: another type than the schema's is a damaged or foreign table, and is thrown as an error.
 */
type Row = Readonly<Record<string, unknown>>

const wrong = (column: string, value: unknown): never => {
  throw new TypeError(`the column ${column} has a value of type ${value === null ? "null" : typeof value}`)
}

export const integer = (row: Row, column: string): number => {
  const value = row[column]
  return typeof value === "number" ? value : wrong(column, value)
}

export const text = (row: Row, column: string): string => {
  const value = row[column]
  return typeof value === "string" ? value : wrong(column, value)
}

export const maybeInteger = (row: Row, column: string): number | undefined =>
  row[column] === null ? undefined : integer(row, column)

export const maybeText = (row: Row, column: string): string | undefined =>
  row[column] === null ? undefined : text(row, column)
