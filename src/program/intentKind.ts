/**
 * Kinds of intents: the schema of their payload, the kinds of facts that answer them, and whether somebody has to perform them.
 *
 * An agent that declares a kind in its `intents` needs a handler of it, and its type says so. Boundary: definitions and types.
 * encodeEffect.ts validates payloads, where the agent ran; IntentHandler.ts defines handlers.
 */
import type * as Schema from "effect/Schema"
import { type KindCodec, makeKindCodec } from "../values/kindCodec.ts"
import { anything, complaintOf, isTrueOrFalse, listOf, type Rules } from "../values/options.ts"
import { isKind, type Kind } from "./Fact.ts"
import { InvalidProgram, type Refuse } from "./InvalidProgram.ts"
import { IntentKindTypeId } from "./typeIds.ts"

/**
 * A named kind of intents. Made by `Intent.kind`. `T` is the type of the payload, `Answers` are the kinds of facts that answer,
 * and `IsRecord` says that nobody has to perform them.
 */
export interface IntentKind<
  out Name extends string,
  in out T,
  out Answers extends Kind.Any,
  out IsRecord extends boolean = false
>
  extends IntentKind.Any {
  readonly [IntentKindTypeId]: {
    readonly payload: (payload: T) => T
    readonly answers: Answers
    readonly isRecord: IsRecord
  }
  /** The name under which its handler is registered. */
  readonly name: Name
  /** An intent of this kind. Never validates: an invalid payload is found when the effect is, where the agent ran. */
  readonly of: (payload: T) => TypedIntent<Name>
}

export declare namespace IntentKind {
  /** Any kind of intents. */
  interface Any {
    readonly [IntentKindTypeId]: unknown
    readonly name: string
  }
  /** The kinds of facts that answer intents of a kind. */
  type Answers<I extends Any> = I extends IntentKind<string, infer _T, infer Answers, infer _IsRecord> ? Answers : never
  /** The handlers that an agent needs which declares a kind, or a union of kinds. */
  type Needs<I extends Any> = I extends IntentKind<infer Name, infer _T, infer _Answers, false> ? Handler<Name> : never
}

/** An intent of a kind that `Intent.kind` made. */
export interface TypedIntent<out Name extends string> {
  readonly kind: Name
  readonly payload: unknown
  readonly [IntentKindTypeId]: Name
}

/** The intents that an agent may give: of the kinds that it declares, and of kinds that nobody declared. */
export type IntentOf<I extends IntentKind.Any> = I extends IntentKind.Any ? TypedIntent<I["name"]> : never

/**
 * The requirement of a handler for intents of a kind. `Engine.layer({ handlers })` provides it, and so does what `Engine.handle`
 * gives.
 */
export interface Handler<in out Name extends string> {
  readonly [IntentKindTypeId]: (name: Name) => Name
}

/** The handlers of all these kinds of intents. */
export type HandlerOf<Name extends string> = Name extends string ? Handler<Name> : never

/** A kind of intents as the runtime holds it. */
export interface ErasedIntentKind {
  readonly name: string
  readonly codec: KindCodec
  readonly answers: ReadonlyArray<Kind.Any>
  readonly isRecord: boolean
}

interface Options {
  readonly payload: unknown
  readonly answers?: ReadonlyArray<Kind.Any> | undefined
  readonly record?: boolean | undefined
}

const rules: Rules<Options> = {
  // The codec says why it cannot be made.
  payload: anything,
  answers: listOf("kinds", "a kind", isKind),
  record: isTrueOrFalse
}

/** The kinds that the engine performs itself. */
const enginesOwn: ReadonlyArray<string> = ["Approval", "ChildJob"]

/**
 * Defines a kind of intents. An agent that gives intents of it names it in its `intents`.
 *
 * @throws InvalidProgram when the name is empty or one of the engine's own, or the schema admits what cannot be encoded
 */
export const intentKind = <
  const Name extends string,
  S extends Schema.Constraint,
  Answers extends Kind.Any = never,
  const IsRecord extends boolean = false
>(
  name: Name,
  options: {
    /** The schema of the payload: an Effect Schema of plain data, or of immutable types that have a JSON codec. */
    readonly payload: S & Schema.ConstraintCodec<S["Type"], unknown>
    /** The kinds of facts that a handler may answer with. Default: none. */
    readonly answers?: ReadonlyArray<Answers> | undefined
    /** Whether nobody has to perform the intents. They are then only recorded where they have no handler. Default: no. */
    readonly record?: IsRecord | undefined
  }
): IntentKind<Name, S["Type"], Answers, IsRecord> => {
  const refuse: Refuse = (message) => {
    throw new InvalidProgram({ program: "", message: `intent kind ${JSON.stringify(name)}: ${message}` })
  }
  if (typeof name !== "string" || name === "") refuse("a kind of intents needs a name that is not empty")
  if (enginesOwn.includes(name)) refuse("the engine performs intents of that kind itself")
  if (options === undefined || options === null) return refuse("options are missing")
  const complaint = complaintOf(options, rules)
  if (complaint !== undefined) return refuse(complaint.message)
  const { answers = [], record = false } = options
  return Object.freeze({
    [IntentKindTypeId]: undefined as never,
    name,
    codec: makeKindCodec(options.payload, refuse),
    answers,
    isRecord: record,
    of: (payload: S["Type"]): TypedIntent<Name> => ({ kind: name, payload, [IntentKindTypeId]: name })
  })
}

/** The runtime's view of a kind of intents. `intentKind` makes every kind, and with all these fields. */
export const eraseIntentKind = (kind: IntentKind.Any): ErasedIntentKind => kind as unknown as ErasedIntentKind

/** Whether a value is a kind of intents that was made here. */
export const isIntentKind = (value: unknown): value is IntentKind.Any =>
  typeof value === "object" && value !== null && IntentKindTypeId in value && "codec" in value

/** Whether an intent was made by a kind of intents. */
export const isTypedIntent = (intent: object): boolean => IntentKindTypeId in intent
