/**
 * How the values of one kind are validated, encoded and read back.
 *
 * A committed value is what decoding its canonical text gives (docs/semantics.md, Values). For kinds of plain data that
 * needs no decoding: the validated copy is the value. A kind that is not plain goes through its schema's JSON codec.
 * Which of the two a kind is, is decided once, from its schema's syntax tree.
 *
 * Boundary: schemas and the canonical encoding; throws `InvalidValue` and knows nothing of agents or jobs.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { type Canonical, canonical, canonicalText, NotCanonical } from "./Canonical.ts"
import { InvalidValue } from "./InvalidValue.ts"
import { parseJson } from "./parseJson.ts"
import { putBack, type SharedPart, shareLarge, takeOut } from "./sharedBytes.ts"
import { parseCanonical } from "./frozen.ts"

export interface KindCodec {
  /** Validates, copies, freezes. Throws `InvalidValue`. */
  readonly encode: (value: unknown) => Canonical
  /** Reads a canonical text that `encode` wrote. */
  readonly decode: (text: string) => unknown
  /** Whether that is what `parseCanonical` does: then many texts can be read at once. */
  readonly isPlain: boolean
  /** Of a kind that may hold bytes: how a value travels without its shared arrays (sharedBytes.ts). */
  readonly parts?: PartsCodec
}

export interface PartsCodec {
  /** The text of a value without its shared arrays, and those. Undefined if it has none. */
  readonly takeOut: (value: unknown) => { readonly text: string; readonly parts: ReadonlyArray<SharedPart> } | undefined
  readonly putBack: (text: string, parts: ReadonlyArray<SharedPart>) => unknown
}

interface Shape {
  /** The value is its own JSON form. */
  plain: boolean
  /** A number may be NaN or infinite, which JSON writes as a string. */
  openNumbers: boolean
  /** A value may hold typed arrays. */
  bytes: boolean
  /** What a value becomes may depend on what is in those: a transformation, or a choice between shapes. */
  looksAtBytes: boolean
}

/** Immutable types of Effect that have a JSON codec, by the id under which Schema represents them. */
const immutable = new Set([
  "Json",
  "Option",
  "Result",
  "DateTimeUtc",
  "DateTimeZoned",
  "TimeZone",
  "TimeZoneNamed",
  "TimeZoneOffset",
  "Duration",
  "BigDecimal",
  "Uint8Array"
])

const advice: Readonly<Record<string, string>> = {
  Date: "use Schema.DateTimeUtc or a string",
  ReadonlyMap: "use Schema.Record, or an array of entries",
  ReadonlySet: "use an array",
  HashMap: "use Schema.Record, or an array of entries",
  HashSet: "use an array",
  Chunk: "use an array",
  URL: "use a string",
  RegExp: "use a string"
}

const declarationId = (ast: SchemaAST.Declaration): string | undefined => {
  const representation = ast.annotations?.["representation"] as { readonly id?: unknown } | undefined
  return typeof representation?.id === "string" ? representation.id.replace(/^effect\/schema\//, "") : undefined
}

const inspect = (
  ast: SchemaAST.AST,
  shape: Shape,
  path: string,
  refuse: (message: string) => never,
  seen: Set<SchemaAST.AST>
): void => {
  if (seen.has(ast)) return
  seen.add(ast)
  const visit = (next: SchemaAST.AST, at: string) => inspect(next, shape, at, refuse, seen)
  if (ast.encoding !== undefined) {
    shape.plain = false
    shape.looksAtBytes = true
  }
  switch (ast._tag) {
    case "Declaration": {
      shape.plain = false
      const id = declarationId(ast)
      const isClass = ast.annotations?.["~constructor"] !== undefined
      const isCustom =
        id === undefined &&
        !isClass &&
        (ast.annotations?.["toCodecJson"] !== undefined || ast.annotations?.["toCodec"] !== undefined)
      if (id === "Uint8Array" || isCustom) shape.bytes = true
      if (id === "Json") shape.plain = true
      else if (!isClass && !isCustom && (id === undefined || !immutable.has(id))) {
        const hint = id === undefined ? "give it a toCodecJson annotation" : (advice[id] ?? "use plain data")
        refuse(`${path} holds ${id ?? "a declared type"}, which cannot be frozen and encoded: ${hint}`)
      }
      for (const parameter of ast.typeParameters) visit(parameter, path)
      return
    }
    case "Symbol":
    case "UniqueSymbol":
    case "ObjectKeyword":
      return refuse(`${path} holds ${ast._tag}, which has no JSON form`)
    case "BigInt":
    case "Undefined":
    case "Void":
      shape.plain = false
      return
    case "Literal":
      if (typeof ast.literal === "bigint") shape.plain = false
      return
    case "Number":
      if (!isFinite(ast)) shape.openNumbers = true
      return
    case "Arrays":
      ast.elements.forEach((element, index) => visit(element, `${path}[${index}]`))
      ast.rest.forEach((element) => visit(element, `${path}[]`))
      return
    case "Objects":
      for (const property of ast.propertySignatures) {
        const at = `${path}.${String(property.name)}`
        if (typeof property.name === "symbol") refuse(`${at} is keyed by a symbol, which has no JSON form`)
        // An optional key may hold `undefined`: the encoding leaves it out, so the value stays plain.
        if (SchemaAST.isOptional(property.type) && SchemaAST.isUnion(property.type)) {
          for (const member of property.type.types) if (!SchemaAST.isUndefined(member)) visit(member, at)
          if (property.type.encoding !== undefined) {
            shape.plain = false
            shape.looksAtBytes = true
          }
        } else visit(property.type, at)
      }
      for (const signature of ast.indexSignatures) {
        if (signature.parameter.encoding !== undefined) shape.plain = false
        visit(signature.type, `${path}[key]`)
      }
      return
    case "Union":
      if (ast.types.filter(isCompound).length > 1) shape.looksAtBytes = true
      for (const member of ast.types) visit(member, path)
      return
    case "Suspend":
      return visit(ast.thunk(), path)
    default:
      return
  }
}

/** Whether a member of a union may hold something. */
const isCompound = ({ _tag }: SchemaAST.AST): boolean => ["Objects", "Arrays", "Declaration", "Suspend"].includes(_tag)

const isFinite = (ast: SchemaAST.Number): boolean => {
  const admits = (check: SchemaAST.Check<number>): boolean => {
    if (check._tag === "FilterGroup") return check.checks.some(admits)
    const id = (check.annotations?.["representation"] as { readonly id?: unknown } | undefined)?.id
    return id === "effect/schema/isFinite" || id === "effect/schema/isInt"
  }
  return ast.checks !== undefined && ast.checks.some(admits)
}

/** How JSON writes a number that is NaN or infinite, and a text that says so. */
const openNumber = /"(?:NaN|-?Infinity)"/

const formatIssue = SchemaIssue.makeFormatterDefault()

/** What is wrong and where: a schema's own message says only that something is. */
const message = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return SchemaIssue.isIssue(error.cause) ? formatIssue(error.cause).replace(/\n\s*/g, " ") : error.message
}

/**
 * A value whose keys that hold undefined are left out, as canonical texts leave them out: a schema's JSON codec writes null
 * for them. The same object if there are none.
 */
const withoutUndefined = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    const items = value.map(withoutUndefined)
    return items.every((item, index) => item === value[index]) ? value : items
  }
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = Object.entries(value)
  const kept = entries.flatMap(([key, item]) => (item === undefined ? [] : [[key, withoutUndefined(item)] as const]))
  const isSame = kept.length === entries.length && kept.every(([, item], index) => item === entries[index]![1])
  return isSame ? value : Object.fromEntries(kept)
}

/** Makes a schema's codec. `refuse` is called, and must throw, when the schema admits what cannot be a fact's value. */
export const makeKindCodec = (
  schema: Schema.Constraint,
  refuse: (message: string) => never,
  root = "value"
): KindCodec => {
  const shape: Shape = { plain: true, openNumbers: false, bytes: false, looksAtBytes: false }
  if (!Schema.isSchema(schema)) return refuse("schema must be an Effect Schema")
  const top = schema as Schema.Codec<unknown, unknown>
  inspect(top.ast, shape, root, refuse, new Set())
  const isShareable = shape.bytes && !shape.looksAtBytes
  const validate = SchemaParser.decodeUnknownSync(Schema.toType(top))
  const codec = Schema.toCodecJson(top) as unknown as Schema.Codec<unknown, unknown>
  const toJson = SchemaParser.encodeUnknownSync(codec)
  const fromJson = SchemaParser.decodeUnknownSync(codec)
  const decodeThrough = (text: string): unknown => {
    const decoded: unknown = fromJson(parseJson(text))
    return freezeDecoded(isShareable ? shareLarge(decoded) : decoded)
  }
  const guard =
    (encode: (value: unknown) => Canonical) =>
    (value: unknown): Canonical => {
      try {
        return encode(value)
      } catch (error) {
        throw new InvalidValue(message(error))
      }
    }
  const toJsonOf = (value: unknown): unknown => {
    const stripped = withoutUndefined(value)
    if (stripped === value) return toJson(value)
    try {
      return toJson(stripped)
    } catch {
      // A key that must be there may hold undefined, too.
      return toJson(value)
    }
  }
  const encodeThrough = (value: unknown): Canonical => {
    const { text } = canonical(toJsonOf(value))
    return { text, value: decodeThrough(text) }
  }
  if (!shape.plain) {
    const codecs: KindCodec = { encode: guard(encodeThrough), decode: decodeThrough, isPlain: false }
    return isShareable ? { ...codecs, parts: partsCodec(codec) } : codecs
  }
  if (!shape.openNumbers)
    return { encode: guard((value) => canonical(validate(value))), decode: parseCanonical, isPlain: true }
  return {
    encode: guard((value) => {
      const valid = validate(value)
      try {
        const found = canonical(valid)
        // Where a schema admits numbers and texts, such a text may be read as a number, and then it is one everywhere.
        return openNumber.test(found.text) ? { text: found.text, value: decodeThrough(found.text) } : found
      } catch (error) {
        if (error instanceof NotCanonical && error.message.startsWith("the number")) return encodeThrough(valid)
        throw error
      }
    }),
    decode: (text) => (openNumber.test(text) ? decodeThrough(text) : parseCanonical(text)),
    isPlain: false
  }
}

/**
 * Empty arrays stand for those that were taken out, whatever a schema's checks say of their length. Where a type of one's own
 * does not stand that, its values travel whole.
 */
const partsCodec = (codec: Schema.Codec<unknown, unknown>): PartsCodec => {
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

// These immutable types of Effect keep caches inside themselves.

const isSelfCaching = (value: object): boolean =>
  DateTime.isDateTime(value) ||
  DateTime.isTimeZone(value) ||
  Duration.isDuration(value) ||
  BigDecimal.isBigDecimal(value)

/** Has such a value fill its caches, which it could not do any more when it is frozen, and freezes it with them. */
const freezeFilled = (value: object): object => {
  if (DateTime.isDateTime(value)) {
    DateTime.toPartsUtc(value)
    DateTime.toParts(value)
    if (DateTime.isZoned(value)) DateTime.formatIsoZoned(value)
  }
  if (BigDecimal.isBigDecimal(value)) BigDecimal.normalize(value)
  // A named time zone formats through an object of the platform, which keeps its own state.
  if (DateTime.isTimeZone(value)) return Object.freeze(value)
  for (const key of Reflect.ownKeys(value)) {
    const field: unknown = Reflect.get(value, key)
    if (field !== value) freezeDecoded(field)
  }
  return Object.freeze(value)
}

const freezeDecoded = (value: unknown): unknown => {
  if (value === null || typeof value !== "object" || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  if (isSelfCaching(value)) return freezeFilled(value)
  Object.values(value).forEach(freezeDecoded)
  return Object.freeze(value)
}
