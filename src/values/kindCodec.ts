/**
 * Validates, encodes and decodes the values of one kind.
 *
 * A committed value equals the decoded canonical text (docs/semantics.md, Values). A kind of plain data needs no decoding,
 * because the validated copy is the value. Other kinds use their schema's JSON codec. schemaShape.ts decides once whether a
 * kind is plain.
 *
 * Boundary: schemas and the canonical encoding; throws `InvalidValue` and knows nothing of agents or jobs.
 */
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { Limits } from "../Limits.ts"
import { type Canonical, canonical, NotCanonical } from "./Canonical.ts"
import { freezeDecoded, withoutUndefined } from "./codecValues.ts"
import { parseCanonical } from "./frozen.ts"
import { InvalidValue } from "./InvalidValue.ts"
import { describeError } from "./panic.ts"
import { parseJson } from "./parseJson.ts"
import { type PartsCodec, partsCodec } from "./partsCodec.ts"
import { type Refuse, schemaTooDeep, shapeOf } from "./schemaShape.ts"
import { isLargerThan, isTooDeep, tooDeep } from "./size.ts"
import { shareLarge } from "./sharedBytes.ts"

export interface KindCodec {
  /** Validates, copies, freezes. Throws `InvalidValue`. */
  readonly encode: (value: unknown) => Canonical
  /** Reads a canonical text that `encode` wrote. */
  readonly decode: (text: string) => unknown
  /** Whether `decode` does the same as `parseCanonical`. If so, many texts can be read at once. */
  readonly isPlain: boolean
  /** The codec that sends a value without its shared arrays. Undefined for kinds that hold no bytes. */
  readonly parts?: PartsCodec
}

type Encode = KindCodec["encode"]
type Decode = KindCodec["decode"]

/** A pattern for texts that hold a number that is NaN or infinite, as JSON codecs write it. */
const openNumber = /"(?:NaN|-?Infinity)"/

const formatIssue = SchemaIssue.makeFormatterDefault()

const isIssue = (error: unknown): error is Error & { readonly cause: SchemaIssue.Issue } =>
  error instanceof Error && SchemaIssue.isIssue(error.cause)

/** Returns a line for each issue, with its path, and indented lines for its details. */
const linesOf = (issue: SchemaIssue.Issue): ReadonlyArray<string> =>
  formatIssue(issue).replace(/\n\s+/g, " ").split("\n")

/** Describes all issues, up to a limit. The message of a schema's own error does not describe them. */
export const issuesText = (error: unknown): string => {
  if (!isIssue(error)) return describeError(error)
  const lines = linesOf(error.cause)
  const more = lines.length - Limits.valueIssues
  return [...lines.slice(0, Limits.valueIssues), ...(more > 0 ? [`and ${more} more`] : [])].join("; ")
}

/** Returns the error that a function throws, or undefined if it returns. */
const errorOf = (use: () => unknown): unknown => {
  try {
    use()
    return undefined
  } catch (error) {
    return error
  }
}

const allIssues = { errors: "all" } as const

/**
 * Wraps `encode` so that it throws only `InvalidValue`. A schema stops at the first issue, which is fast. If there is one,
 * `search` looks for all issues of the value.
 */
const guarded =
  (encode: Encode, search: (value: unknown) => unknown): Encode =>
  (value) => {
    try {
      return encode(value)
    } catch (error) {
      const saysWhat = isIssue(error) || error instanceof NotCanonical
      // If the schema overflowed the stack, its error does not describe the value.
      if (!saysWhat && isTooDeep(value)) throw new InvalidValue(tooDeep)
      const isSearched = isIssue(error) && !isLargerThan(value, Limits.valueSearched)
      const all = isSearched ? errorOf(() => search(value)) : undefined
      throw new InvalidValue(issuesText(isIssue(all) ? all : error))
    }
  }

/** Encoding and decoding through a schema's JSON codec. With `isShared`, large typed arrays come to lie in shared memory. */
const throughJson = (codec: Schema.Codec<unknown, unknown>, isShared: boolean) => {
  const toJson = SchemaParser.encodeUnknownSync(codec)
  const fromJson = SchemaParser.decodeUnknownSync(codec)
  const decode: Decode = (text) => {
    const decoded: unknown = fromJson(parseJson(text))
    return freezeDecoded(isShared ? shareLarge(decoded) : decoded)
  }
  const jsonOf = (value: unknown): unknown => {
    const stripped = withoutUndefined(value)
    if (stripped === value) return toJson(value)
    try {
      return toJson(stripped)
    } catch {
      // A required key may also hold undefined.
      return toJson(value)
    }
  }
  const encode: Encode = (value) => {
    const { text } = canonical(jsonOf(value))
    return { text, value: decode(text) }
  }
  const search = (value: unknown) => toJson(withoutUndefined(value), allIssues)
  return { decode, encode, search }
}

/** The codec of a plain kind whose numbers may be NaN or infinite: such values go through the JSON codec. */
const openNumberCodec = (
  validate: (value: unknown) => unknown,
  search: (value: unknown) => unknown,
  through: { readonly encode: Encode; readonly decode: Decode }
): KindCodec => ({
  encode: guarded((value) => {
    const valid = validate(value)
    try {
      const found = canonical(valid)
      // A schema that admits numbers and texts may decode such a text as a number. It is then a number on every thread.
      return openNumber.test(found.text) ? { text: found.text, value: through.decode(found.text) } : found
    } catch (error) {
      if (error instanceof NotCanonical && error.message.startsWith("the number")) return through.encode(valid)
      throw error
    }
  }, search),
  decode: (text) => (openNumber.test(text) ? through.decode(text) : parseCanonical(text)),
  isPlain: false
})

/** Makes a schema's codec. It calls `refuse`, which must throw, if the schema admits values that a fact cannot have. */
export const makeKindCodec = (schema: Schema.Constraint, refuse: Refuse, root = "value"): KindCodec => {
  if (!Schema.isSchema(schema)) return refuse("schema must be an Effect Schema")
  try {
    return codecOf(schema as Schema.Codec<unknown, unknown>, refuse, root)
  } catch (error) {
    // Schemas are walked recursively, by Effect too: unions within unions overflow the stack before they have too many levels.
    return error instanceof RangeError ? refuse(schemaTooDeep) : thrown(error)
  }
}

const thrown = (error: unknown): never => {
  throw error
}

const codecOf = (top: Schema.Codec<unknown, unknown>, refuse: Refuse, root: string): KindCodec => {
  const shape = shapeOf(top.ast, root, refuse)
  const isShareable = shape.hasBytes && !shape.looksAtBytes
  // The cast is needed because the schema's own type is erased here.
  const codec = Schema.toCodecJson(top) as unknown as Schema.Codec<unknown, unknown>
  const through = throughJson(codec, isShareable)
  if (!shape.isPlain) {
    const codecs: KindCodec = {
      encode: guarded(through.encode, through.search),
      decode: through.decode,
      isPlain: false
    }
    return isShareable ? { ...codecs, parts: partsCodec(codec) } : codecs
  }
  const validate = SchemaParser.decodeUnknownSync(Schema.toType(top))
  const search = (value: unknown) => validate(value, allIssues)
  if (shape.hasOpenNumbers) return openNumberCodec(validate, search, through)
  return { encode: guarded((value) => canonical(validate(value)), search), decode: parseCanonical, isPlain: true }
}
