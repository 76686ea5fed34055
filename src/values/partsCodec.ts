/**
 * Encodes a value with bytes for messages between threads: its text without its shared arrays, and the arrays beside it
 * (sharedBytes.ts).
 *
 * Boundary: schemas and values; knows nothing of threads.
 */
import type * as Schema from "effect/Schema"
import * as SchemaParser from "effect/SchemaParser"
import { canonicalText } from "./Canonical.ts"
import { freezeDecoded, withoutUndefined } from "./codecValues.ts"
import { parseJson } from "./parseJson.ts"
import { putBack, type SharedPart, takeOut } from "./sharedBytes.ts"

export interface PartsCodec {
  /** The text of a value without its shared arrays, and those. Undefined if it has none. */
  readonly takeOut: (value: unknown) => { readonly text: string; readonly parts: ReadonlyArray<SharedPart> } | undefined
  readonly putBack: (text: string, parts: ReadonlyArray<SharedPart>) => unknown
}

/**
 * Makes the parts codec of a schema whose JSON codec is given.
 *
 * Each array that was taken out is replaced by an empty one, and length checks are off. A custom type that cannot be
 * restored so is sent whole.
 */
export const partsCodec = (codec: Schema.Codec<unknown, unknown>): PartsCodec => {
  const toJson = SchemaParser.encodeUnknownSync(codec, { disableChecks: true })
  const fromJson = SchemaParser.decodeUnknownSync(codec, { disableChecks: true })
  const restore = (text: string, parts: ReadonlyArray<SharedPart>): unknown => putBack(fromJson(parseJson(text)), parts)
  return {
    takeOut: (value) => {
      const taken = takeOut(value)
      if (taken === undefined) return undefined
      const { parts, rest } = taken
      try {
        const text = canonicalText(toJson(withoutUndefined(rest)))
        const found = takeOut(restore(text, parts))?.parts ?? []
        const isWhole = parts.every(([place, bytes], index) => {
          const other = found[index]
          return other?.[0] === place && other[1] === bytes
        })
        return isWhole ? { text, parts } : undefined
      } catch {
        return undefined
      }
    },
    putBack: (text, parts) => freezeDecoded(restore(text, parts))
  }
}
