/**
 * The name of a fact in an address of the page, and in a question to the server.
 *
 * An address cannot hold a lone surrogate: the browser would write another character in its place. So an id with one is written
 * as a string of JSON, with an escape in place of such a character. An empty part of a query is left out, so the empty id is
 * written in the same way. An id that is too long for an address is named by the version of one of the fact's values.
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

/** A fact that an address or a link can name. The version is that of one of its values. */
export interface Nameable extends FactName {
  readonly provenance?: { readonly version: number }
}

/** The fact that a page shows: by its id or, where that is too long for an address, by the version of one of its values. */
export interface Named {
  readonly kind: string
  readonly id: string | undefined
  readonly version: number | undefined
}

/** Tuning: an id of more characters is named by a version. */
const longestId = 1_000

/** The parts of an address that name a fact. A sign before the name tells its form, and the empty id from no fact. */
export const factQuery = ({ id, kind, provenance }: Nameable): Readonly<Record<string, string>> => {
  if (id.length > longestId && provenance !== undefined) return { of: kind, fact: `@${provenance.version}` }
  return { of: kind, fact: id.isWellFormed() ? `=${id}` : `~${JSON.stringify(id)}` }
}

/** Whether an address can name a fact. */
export const isNameable = ({ id, provenance }: Nameable): boolean => id.length <= longestId || provenance !== undefined

const parsed = (json: string): unknown => {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** The fact that an address names. */
export const factIn = ({ fact = "", of: kind }: Parts): Named | undefined => {
  if (kind === undefined) return undefined
  const rest = fact.slice(1)
  if (fact.startsWith("=")) return { kind, id: rest, version: undefined }
  if (/^@\d{1,15}$/.test(fact)) return { kind, id: undefined, version: Number(rest) }
  const id = fact.startsWith("~") ? parsed(rest) : undefined
  return typeof id === "string" ? { kind, id, version: undefined } : undefined
}
