/**
 * Reads JSON records of a journal with schemas. The chain of hashes does not cover these records.
 *
 * A record is returned as its text has it. Unknown keys are kept, because a later version may have added them and a migration
 * writes the header back.
 *
 * Boundary: pure functions of texts. They throw `Unreadable` for a text that does not fit; the caller adds the job and the cycle.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { Limits } from "../Limits.ts"
import { describeError } from "../values/panic.ts"
import { parseJson } from "../values/parseJson.ts"
import { parseLong } from "../values/parseLong.ts"

/** The part of a journal in which a fault was found. */
export type RecordPart = "header" | "extra" | "text" | "note" | "end" | "kept"

/** The error for a text that this version cannot have written. */
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

/** Parses a JSON text. @throws Unreadable */
export const parsePart = (part: RecordPart, text: string): unknown => {
  try {
    return parseJson(text)
  } catch (error) {
    return unreadable(part, describeError(error))
  }
}

/** Parses a JSON text that may be long, in steps. @throws Unreadable */
export function* parseLongPart(part: RecordPart, text: string): Generator<void, unknown> {
  try {
    return yield* parseLong(text)
  } catch (error) {
    return unreadable(part, describeError(error))
  }
}

/** Whether a value is a JSON object, and neither null nor an array. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A schema for each field of a record. The compiler refuses a table that misses one. */
export type FieldsOf<A> = { readonly [K in keyof A]-?: Schema.Codec<unknown, unknown> }

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** Describes the first fault of a value that does not fit a schema, with its path. */
const faultOf = <A>(schema: Schema.Codec<A>, value: unknown): string => {
  const read = SchemaParser.decodeUnknownResult(schema)(value)
  if (Result.isSuccess(read)) return "it does not fit"
  const [first] = formatIssues(read.failure).issues
  const path = (first?.path ?? []).map((segment) => String(typeof segment === "object" ? segment.key : segment))
  return [...(path.length === 0 ? [] : [path.join(".")]), first?.message ?? "it does not fit"].join(": ")
}

/** Returns a function that checks a parsed value against a schema and returns it unchanged. The function throws `Unreadable`. */
export const recordAs = <A>(part: RecordPart, schema: Schema.Codec<A>): ((value: unknown) => A) => {
  const fits = Schema.is(schema)
  return (value) => (fits(value) ? value : unreadable(part, faultOf(schema, value)))
}

/** A whole number of at least 0. */
export const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** A finite number of at least 0. */
export const Amount = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
