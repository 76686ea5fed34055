/**
 * Bearer tokens, and what each may do.
 *
 * Invariants: a sent token is compared with all known tokens, in a time that does not depend on where they differ; no message
 * shows a token. Boundary: pure functions of texts.
 */
import { sha256 } from "../values/sha256.ts"

/** The rights of a token. `read`: to look at jobs. `steer`: to start, signal, pause, resume, cancel and delete them. */
export const scopes = ["read", "steer"] as const

/** One of the rights of a token: `read` or `steer`. */
export type Scope = (typeof scopes)[number]

/** A token with rights, and with a name that the log shows in its place. */
export interface Token {
  readonly name: string
  readonly token: string
  /** The rights of the token. Default: all. */
  readonly scopes?: ReadonlyArray<Scope> | undefined
  /** The programs whose jobs the token may touch. Default: all. */
  readonly programs?: ReadonlyArray<string> | undefined
}

/** The rights of the sender of a request. */
export interface Access {
  /** The name of its token; undefined if the server has no tokens. */
  readonly name: string | undefined
  readonly scopes: ReadonlyArray<Scope>
  /** The programs whose jobs the sender may touch; undefined means all. */
  readonly programs: ReadonlyArray<string> | undefined
}

/** The access of every request to a server without tokens. */
export const open: Access = { name: undefined, scopes, programs: undefined }

/** A token given as a plain text gets a number as its name, and all rights. */
const fullToken = (given: string | Token, index: number): Token =>
  typeof given === "string" ? { name: `token ${index + 1}`, token: given } : given

/** Compares two hashes in a time that does not depend on where they differ. */
const isSame = (one: string, other: string): boolean => {
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

/** Returns the access of a sent token; undefined for an unknown one. */
export const accessBy = (tokens: ReadonlyArray<string | Token>): ((sent: string) => Access | undefined) => {
  const known = tokens.map(fullToken).map(({ name, programs, scopes: given = scopes, token }) => {
    const access: Access = { name, programs, scopes: given }
    return { hash: sha256(token), access }
  })
  return (sent) => {
    const hash = sha256(sent)
    return known.reduce<Access | undefined>(
      (found, { access, hash: own }) => (isSame(own, hash) ? access : found),
      undefined
    )
  }
}

/** Texts that a header can carry as a token: visible characters of ASCII, and no comma. */
const visible = /^[\x21-\x2b\x2d-\x7e]+$/

export const isToken = (text: string): boolean => visible.test(text)

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string" && item !== "")

const isScope = (text: string): text is Scope => scopes.some((scope) => scope === text)

/** The complaint about a token, without the token itself; undefined for a valid one. */
export const complaintOf = (value: unknown): string | undefined => {
  if (typeof value === "string")
    return isToken(value) ? undefined : "a token has visible characters of ASCII, and no comma"
  if (typeof value !== "object" || value === null) return "it is no object"
  const { name, programs, scopes: given, token, ...more } = value as Readonly<Record<string, unknown>>
  if (Object.keys(more).length > 0) return "there are name, token, scopes and programs, and nothing else"
  if (typeof name !== "string" || name.trim() === "") return "its name is missing"
  if (typeof token !== "string" || !isToken(token)) return "its token has visible characters of ASCII, and no comma"
  if (given !== undefined && !(isTexts(given) && given.every(isScope))) return "its scopes are read, steer or both"
  if (programs !== undefined && !isTexts(programs)) return "its programs are a list of names"
  return undefined
}

/**
 * Parses a token file: one token a line, each with all rights, or a JSON array of objects. If it cannot, it says why without
 * showing a token.
 */
export const parseTokens = (
  text: string
): { readonly tokens: ReadonlyArray<string | Token> } | { readonly why: string } => {
  if (!text.trimStart().startsWith("[")) {
    const lines = text.split(/\r?\n/).map((line) => line.trim())
    const isGiven = (line: string): boolean => line !== "" && !line.startsWith("#")
    const tokens = lines.filter(isGiven)
    const wrong = lines.findIndex((line) => isGiven(line) && !isToken(line))
    if (wrong !== -1) return { why: `line ${wrong + 1}: ${complaintOf(lines[wrong]) ?? ""}` }
    return tokens.length === 0 ? { why: "it holds no token" } : { tokens }
  }
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch {
    return { why: "it is no JSON" }
  }
  if (!Array.isArray(entries) || entries.length === 0) return { why: "it holds no token" }
  const complaints = entries.map(complaintOf)
  const wrong = complaints.findIndex((complaint) => complaint !== undefined)
  if (wrong !== -1) return { why: `entry ${wrong + 1}: ${complaints[wrong] ?? ""}` }
  const tokens = entries as ReadonlyArray<string | Token>
  const names = tokens.map(fullToken).map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined ? { tokens } : { why: `two tokens are called ${JSON.stringify(twice)}` }
}
