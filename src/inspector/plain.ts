/**
 * Converts any value to JSON. The conversion is total, deterministic and bounded.
 *
 * Two callers need it: the statechart's JSON, for an author's `meta`, and the encoder, for a message that JSON.stringify
 * refuses. It is slow and careful; messages that are JSON already never come here.
 *
 * Invariants: it never throws, whatever the value does (a getter or `toJSON` that throws, a cycle, a Proxy); it reads at most
 * `Limits.inspectorPlainDepth` levels and about `Limits.inspectorPlainValues` values (G14). Boundary: values in, values out.
 */
import { Limits } from "../Limits.ts"

/** Any JSON value. */
export type Json = string | number | boolean | null | ReadonlyArray<Json> | JsonObject

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** Converts a value. A part without a JSON form becomes a short text in round brackets, or is left out of its object. */
export const plain = (value: unknown): Json => {
  const open = new Set<object>()
  let values = 0

  const walk = (part: unknown, depth: number): Json | undefined => {
    if (++values > Limits.inspectorPlainValues) return "(left out)"
    switch (typeof part) {
      case "string":
      case "boolean":
        return part
      case "number":
        return Number.isFinite(part) ? part : String(part)
      case "bigint":
        return String(part)
      case "undefined":
      case "symbol":
        return undefined
      case "function":
        return { type: part.name }
      case "object":
        return part === null ? null : guarded(part, depth)
    }
  }

  const guarded = (part: object, depth: number): Json => {
    if (open.has(part)) return "(circular)"
    if (depth === Limits.inspectorPlainDepth) return "(left out)"
    open.add(part)
    try {
      return inside(part, depth + 1)
    } catch {
      return "(unreadable)"
    } finally {
      open.delete(part)
    }
  }

  const inside = (part: object, depth: number): Json => {
    if (part instanceof Error) return { name: part.name, message: part.message }
    if (part instanceof Map || part instanceof Set) return list(part, depth)
    if (Array.isArray(part)) return list(part, depth)
    if ("toJSON" in part && typeof part.toJSON === "function") return walk(part.toJSON(), depth) ?? null
    const entries: Record<string, Json> = {}
    for (const key of Object.keys(part)) {
      if (values > Limits.inspectorPlainValues) break
      const json = walk(read(part, key), depth)
      if (json !== undefined) entries[key] = json
    }
    return entries
  }

  const list = (part: Iterable<unknown>, depth: number): Json => {
    const items: Array<Json> = []
    for (const item of part) {
      if (values > Limits.inspectorPlainValues) break
      items.push(walk(item, depth) ?? null)
    }
    return items
  }

  return walk(value, 0) ?? null
}

const read = (from: object, key: string): unknown => {
  try {
    return Reflect.get(from, key)
  } catch {
    return "(unreadable)"
  }
}
