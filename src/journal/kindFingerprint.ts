/**
 * What names a kind's schema: equal for equal schemas, whatever the code looks like.
 *
 * It is the hash of the schema's representation, which is Effect's own serialisable form of it, checks included and
 * annotations (titles, descriptions, examples) not. Where a schema has none, as types of one's own may, that of the JSON
 * Schema of what it encodes. A filter of one's own has no name there: two of them look alike. Boundary: schemas in, texts out.
 */
import * as Schema from "effect/Schema"
import { canonicalText } from "../values/Canonical.ts"
import { sha256 } from "../values/sha256.ts"
import type { ErasedKind } from "../program/erased.ts"

const known = new WeakMap<ErasedKind, string>()

/** Plain JSON without what only readers look at. */
const withoutRemarks = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutRemarks)
  if (typeof value !== "object" || value === null) return value
  const kept = Object.entries(value).filter(([key]) => key !== "annotations" && key !== "description")
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutRemarks(item)]))
}

const textOf = (document: unknown): string => canonicalText(withoutRemarks(JSON.parse(JSON.stringify(document))))

const describe = ({ schema }: ErasedKind): string => {
  try {
    return textOf(Schema.toRepresentation(schema))
  } catch {
    return textOf(Schema.toJsonSchemaDocument(Schema.toCodecJson(schema)))
  }
}

/** The fingerprint of a kind's schema: 16 hexadecimal digits. */
export const fingerprintOf = (kind: ErasedKind): string => {
  let fingerprint = known.get(kind)
  if (fingerprint === undefined) known.set(kind, (fingerprint = sha256(describe(kind)).slice(0, 16)))
  return fingerprint
}
