/**
 * The fingerprint of a kind's schema. Equal schemas have equal fingerprints, however their code is written.
 *
 * The fingerprint is the hash of the schema's representation, Effect's own serialisable form. The representation includes
 * checks, and the hash leaves out annotations (titles, descriptions, examples). Some custom types have no representation;
 * their fingerprint is the hash of the JSON Schema of their encoded form. Custom filters have no name in either form, so two
 * of them look alike.
 *
 * Boundary: schemas in, texts out.
 */
import * as Schema from "effect/Schema"
import { canonicalText } from "../values/Canonical.ts"
import { isTooDeep } from "../values/size.ts"
import { sha256 } from "../values/sha256.ts"
import type { ErasedKind } from "../program/erased.ts"

const known = new WeakMap<ErasedKind, string>()

/** Removes annotations and descriptions, which only human readers use, from plain JSON. */
const withoutRemarks = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutRemarks)
  if (typeof value !== "object" || value === null) return value
  const kept = Object.entries(value).filter(([key]) => key !== "annotations" && key !== "description")
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutRemarks(item)]))
}

const textOf = (document: unknown): string => {
  const plain = withoutRemarks(JSON.parse(JSON.stringify(document)))
  // The representation of a schema nests a few times as deep as the schema itself.
  return isTooDeep(plain) ? JSON.stringify(plain, (_, inner: unknown) => sorted(inner)) : canonicalText(plain)
}

/** Sorts the keys of an object, so that their order in the code does not matter. */
const sorted = (value: unknown): unknown =>
  typeof value !== "object" || value === null || Array.isArray(value)
    ? value
    : Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))

const describe = ({ schema }: ErasedKind): string => {
  try {
    return textOf(Schema.toRepresentation(schema))
  } catch {
    return textOf(Schema.toJsonSchemaDocument(Schema.toCodecJson(schema)))
  }
}

/** Returns the fingerprint of a kind's schema, which is 16 hexadecimal digits. */
export const fingerprintOf = (kind: ErasedKind): string => {
  let fingerprint = known.get(kind)
  if (fingerprint === undefined) known.set(kind, (fingerprint = sha256(describe(kind)).slice(0, 16)))
  return fingerprint
}
