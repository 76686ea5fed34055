/**
 * Bearer tokens, and what each may do.
 *
 * Invariants: a token is compared in a time that tells nothing of where it differs, with all that there are; no message shows
 * one. Boundary: pure functions of texts.
 */
import { sha256 } from "../values/sha256.ts"

/** The rights that a token can have: to look at jobs, and to start, signal, pause, resume and cancel them. */
export const scopes = ["read", "steer"] as const

/** One of the rights of a token: `read` or `steer`. */
export type Scope = (typeof scopes)[number]

/** A token with a name, which the log shows instead of it, and with rights. */
export interface Token {
  readonly name: string
  readonly token: string
  /** Default: all. */
  readonly scopes?: ReadonlyArray<Scope> | undefined
  /** The programs whose jobs it is for. Default: all. */
  readonly programs?: ReadonlyArray<string> | undefined
}

/** What the sender of a request may do. */
export interface Access {
  /** The name of its token; undefined if the server has no tokens. */
  readonly name: string | undefined
  readonly scopes: ReadonlyArray<Scope>
  /** Undefined: all. */
  readonly programs: ReadonlyArray<string> | undefined
}

/** The access of everybody, where no token is asked for. */
export const open: Access = { name: undefined, scopes, programs: undefined }

/** A token without a name or rights of its own has a number, and all rights. */
const fullToken = (given: string | Token, index: number): Token =>
  typeof given === "string" ? { name: `token ${index + 1}`, token: given } : given

/** Compares two hashes in a time that tells nothing of where they differ. */
const isSame = (one: string, other: string): boolean => {
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

/** Gives the access of a token that was sent; undefined for one that is not known. */
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

/** What a header can carry. */
const visible = /^[\x21-\x2b\x2d-\x7e]+$/

export const isToken = (text: string): boolean => visible.test(text)

const isTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string" && item !== "")

const isScope = (text: string): text is Scope => scopes.some((scope) => scope === text)

/** What is wrong with a token, without showing it. */
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

/** The tokens of a file: one a line, with all rights, or a JSON array of objects. Or what is wrong, without showing a token. */
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
