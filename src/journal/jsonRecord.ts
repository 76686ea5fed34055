/**
 * JSON records of a journal that its chain of hashes does not cover, read by their schemas.
 *
 * A record is returned as its text has it. Keys that the schema does not name are kept, because a later version may have
 * added them, and a migration writes the header back.
 *
 * Boundary: pure functions of texts. A text that does not fit is thrown; the caller knows of which job and cycle it is.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { Limits } from "../Limits.ts"
import { describeError } from "../values/panic.ts"
import { parseJson } from "../values/parseJson.ts"

/** The text in which a fault was found. */
export type RecordPart = "header" | "extra" | "text" | "note" | "end" | "kept"

/** A text of a journal that this version does not write. */
export class Unreadable extends Error {
  override readonly name = "Unreadable"
  readonly part: RecordPart
  constructor(part: RecordPart, message: string) {
    super(message.slice(0, Limits.errorTextLength))
    this.part = part
  }
}

/** @throws Unreadable */
export const unreadable = (part: RecordPart, message: string): never => {
  throw new Unreadable(part, message)
}

/** The value of a JSON text. @throws Unreadable */
export const parsePart = (part: RecordPart, text: string): unknown => {
  try {
    return parseJson(text)
  } catch (error) {
    return unreadable(part, describeError(error))
  }
}

/** Whether a value is a JSON object: neither null nor an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A schema for each field of a record: the compiler refuses a table that misses one. */
export type FieldsOf<A> = { readonly [K in keyof A]-?: Schema.Codec<unknown, unknown> }

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** The first fault of a value that does not fit a schema, and where it is. */
const faultOf = <A>(schema: Schema.Codec<A>, value: unknown): string => {
  const read = SchemaParser.decodeUnknownResult(schema)(value)
  if (Result.isSuccess(read)) return "it does not fit"
  const [first] = formatIssues(read.failure).issues
  const path = (first?.path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment))
  return [...(path.length === 0 ? [] : [path.join(".")]), first?.message ?? "it does not fit"].join(": ")
}

/** A function that checks the value of a text against a schema, and returns it as it is. It throws `Unreadable`. */
export const recordAs = <A>(part: RecordPart, schema: Schema.Codec<A>): ((value: unknown) => A) => {
  const fits = Schema.is(schema)
  return (value) => (fits(value) ? value : unreadable(part, faultOf(schema, value)))
}

/** A whole number of at least 0. */
export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** A finite number of at least 0. */
export const Amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
