/**
 * The name of a fact in an address of the page, and in a question to the server.
 *
 * An address cannot hold a lone surrogate: the browser would write another character in its place. So an id with one is written
 * as a string of JSON, with an escape in place of such a character. An empty part of a query is left out, so the empty id is
 * written in the same way.
 *
 * Invariant: every id is read back as it was written. Boundary: text to a value, and back.
 */
export interface FactName {
  readonly kind: string
  readonly id: string
}

type Parts = Readonly<Record<string, string | undefined>>

const isPlain = (id: string): boolean => id !== "" && id.isWellFormed()

/** The parts of a question to the server that name a fact. */
export const nameParts = ({ id, kind }: FactName): Readonly<Record<string, string>> =>
  isPlain(id) ? { kind, fact: id } : { kind, factJson: JSON.stringify(id) }

/** The parts of an address that name a fact. A sign before the id tells its form, and the empty id from no fact. */
export const factQuery = ({ id, kind }: FactName): Readonly<Record<string, string>> => ({
  of: kind,
  fact: id.isWellFormed() ? `=${id}` : `~${JSON.stringify(id)}`
})

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** The fact that an address names. */
export const factIn = ({ fact, of }: Parts): FactName | undefined => {
  if (fact === undefined || of === undefined) return undefined
  if (fact.startsWith("=")) return { kind: of, id: fact.slice(1) }
  const id = fact.startsWith("~") ? parsed(fact.slice(1)) : undefined
  return typeof id === "string" ? { kind: of, id } : undefined
}
