/**
 * The canonical encoding: one text for each plain value, the same on every machine, run and thread.
 *
 * That text is the wire format between threads, the equality test of the merge, the input of the hash chain and the
 * journal's row. It is JSON as RFC 8785 (JSON Canonicalization Scheme) writes it, with one extension:
 *
 * - object keys are ordered by their UTF-16 code units, integer-like keys included; a key whose value is `undefined`
 *   is left out
 * - numbers are written as ECMAScript writes them; `-0` is `0`; `NaN` and the infinities are refused here (a kind whose
 *   schema admits them encodes them as the strings "NaN", "Infinity" and "-Infinity" before they come here)
 * - `undefined` inside an array, functions, symbols, bigints and objects with a prototype of their own are refused:
 *   dates, bytes and the like are strings by the time a kind's schema has encoded them
 * - strings are escaped as JSON.stringify does; a lone surrogate is written as its `\udXXX` escape (RFC 8785 refuses it)
 *
 * Boundary: no schema, no hash, no I/O. Values that are nested deeper than `Limits.valueDepth`, circular ones among
 * them, are refused.
 */
import { Limits } from "../Limits.ts"
import { freezeFresh } from "./frozen.ts"
import { tooDeep } from "./size.ts"

/** The error for a value without a canonical text. It gives the reason, and the path of the part within the value. */
export class NotCanonical extends Error {
  override readonly name = "NotCanonical"
  readonly path: ReadonlyArray<string | number>
  constructor(reason: string, path: ReadonlyArray<string | number>) {
    super(path.length === 0 ? reason : `${reason} at ${path.map((key) => `[${JSON.stringify(key)}]`).join("")}`)
    this.path = path
  }
}

/** A plain value in canonical form: its text, and the deeply frozen copy that equals the parsed text. */
export interface Canonical {
  readonly text: string
  readonly value: unknown
}

/**
 * The canonical form of a plain value.
 *
 * @throws NotCanonical with the path of the part that has no encoding
 */
export const canonical = (value: unknown): Canonical => {
  const copy = copySorted(value, 0)
  const text = copy === null || typeof copy !== "object" ? JSON.stringify(copy) : stringify(copy)
  return { text, value: freezeFresh(copy) }
}

/** The canonical text of a plain value. Throws as `canonical` does. */
export const canonicalText = (value: unknown): string => canonical(value).text

// JavaScript puts integer-like keys before all others, so JSON.stringify cannot write them in the order of code units.
let sawIntegerKeys = false

const isIntegerLike = (key: string): boolean => {
  const first = key.charCodeAt(0)
  return first >= 48 && first <= 57 && String(Number(key) >>> 0) === key
}

const stringify = (copy: object): string => {
  if (!sawIntegerKeys) return JSON.stringify(copy)
  sawIntegerKeys = false
  return writeSorted(copy)
}

const writeSorted = (value: unknown): string => {
  if (value === null || typeof value !== "object") return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(writeSorted).join(",")}]`
  const record = value as Record<string, unknown>
  return `{${Object.keys(record)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${writeSorted(record[key])}`)
    .join(",")}}`
}

const copySorted = (value: unknown, depth: number): unknown => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value
    case "number":
      if (!Number.isFinite(value)) throw new NotCanonical(`the number ${value} has no JSON form`, [])
      return value === 0 ? 0 : value
    case "object":
      if (value === null) return null
      if (depth >= Limits.valueDepth) throw new NotCanonical(tooDeep, [])
      return Array.isArray(value) ? copyArray(value, depth) : copyObject(value, depth)
    default:
      throw new NotCanonical(`a ${typeof value} is not plain data`, [])
  }
}

const copyArray = (value: ReadonlyArray<unknown>, depth: number): ReadonlyArray<unknown> => {
  const copy: Array<unknown> = new Array(value.length)
  for (let i = 0; i < value.length; i++) copy[i] = at(value[i], i, depth)
  return copy
}

const copyObject = (value: object, depth: number): object => {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) {
    throw new NotCanonical(`${describePrototype(prototype)} is not plain data`, [])
  }
  const record = value as Record<string, unknown>
  const keys = Object.keys(record)
  for (let i = 1; i < keys.length; i++) {
    if (keys[i - 1]! > keys[i]!) {
      keys.sort()
      break
    }
  }
  const copy: Record<string, unknown> = {}
  for (const key of keys) {
    const item = record[key]
    if (item === undefined) continue
    if (keys.length > 1 && isIntegerLike(key)) sawIntegerKeys = true
    const copied = at(item, key, depth)
    if (key === "__proto__") {
      Object.defineProperty(copy, key, { value: copied, enumerable: true, configurable: true, writable: true })
    } else copy[key] = copied
  }
  return copy
}

const at = (value: unknown, key: string | number, depth: number): unknown => {
  if (typeof value === "string") return value
  try {
    return copySorted(value, depth + 1)
  } catch (error) {
    sawIntegerKeys = false
    if (error instanceof NotCanonical && error.path.length < 8) {
      throw new NotCanonical(error.message.replace(/ at \[.*$/s, ""), [key, ...error.path])
    }
    throw error
  }
}

const describePrototype = (prototype: unknown): string => {
  const name: unknown = (prototype as { readonly constructor?: { readonly name?: unknown } }).constructor?.name
  return typeof name === "string" && name !== "" ? `an instance of ${name}` : "an object with a prototype of its own"
}
