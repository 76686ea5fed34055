/**
 * Handlers: definitions of functions that perform the intents of a kind.
 *
 * Boundary: definitions, checked. outbox.ts calls handlers and keeps their answers; docs/semantics.md says what that means.
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Kind, Proposal, ProposalOf } from "../program/Fact.ts"
import { type ErasedIntentKind, eraseIntentKind, type IntentKind, isIntentKind } from "../program/intentKind.ts"
import { canonicalText } from "../values/Canonical.ts"
import { InvalidValue } from "../values/InvalidValue.ts"
import { issuesText } from "../values/kindCodec.ts"
import { approvalKind, childKind } from "../program/answerKinds.ts"
import { InvalidProgram } from "../program/InvalidProgram.ts"
import type { CommittedIntent } from "../outcome/JobResult.ts"
import { Limits } from "../Limits.ts"
import { complaintOf, millisOf, must, oneOf, type Rules, timeout } from "../values/options.ts"

export const HandlerTypeId: unique symbol = Symbol.for("effect-converge/IntentHandler")

/** An intent that is to be performed, and the job that it is of. The payload has the type of the intent's kind. */
export interface HandledIntent<out Payload = unknown> extends CommittedIntent {
  readonly payload: Payload
  readonly jobId: string
  readonly program: string
}

/** The answer of a handler: facts for the job, or nothing. A kind that the job's program does not know is a failure. */
export type Answer = ReadonlyArray<Proposal<string, unknown>> | void

/** Options of a handler. `E`: the error that it fails with. */
export interface HandlerOptions<in out E = never, out R = never> {
  /**
   * The schedule of retries after a typed failure or a timeout. Default: after 100 ms, and twice as long each time up to a
   * minute, up to 10 times.
   */
  readonly retry?: Schedule.Schedule<unknown, E, never, R> | undefined
  /** The time that one attempt may take. Default: none. */
  readonly timeout?: Duration.Input | undefined
  /** Whether a failed intent ends its job with `IntentFailed`, or leaves a diagnostic. Default: `"halt"`. */
  readonly onFailure?: "halt" | "discard" | undefined
}

/** The answer of a handler of a kind of intents: facts of the kinds that answer it, or nothing. */
export type AnswerOf<Answers extends Kind.Any> = ReadonlyArray<ProposalOf<Answers>> | void

/** A function that performs the intents of one kind. `R`: the services that it needs; `Name`: the intent kind. */
export interface Handler<out R = never, out Name extends string = string> {
  readonly [HandlerTypeId]: { readonly services: R }
  readonly kind: Name
}

/** A handler as the runtime holds it. */
export interface ErasedHandler {
  readonly kind: string
  /** Gives the payload in the type of the intent's kind. Throws `InvalidValue`. Undefined for a handler that takes any. */
  readonly typed: ((payload: unknown) => unknown) | undefined
  readonly perform: (intent: HandledIntent) => Effect.Effect<unknown, unknown, unknown>
  readonly retry: Schedule.Schedule<unknown, unknown, unknown, unknown>
  readonly timeoutMs: number | undefined
  readonly onFailure: "halt" | "discard"
  /** Whether it answers in the place of the engine's own performer, with any kind. */
  readonly isBuiltIn: boolean
}

const defaultRetry = Schedule.max([
  Schedule.min([Schedule.exponential(Limits.handlerRetryMs), Schedule.spaced(Limits.handlerRetryLongestMs)]),
  Schedule.recurs(Limits.handlerRetries)
])

/** The options, as untyped callers may pass them. */
interface Options {
  readonly retry?: Schedule.Schedule<unknown, unknown, unknown, unknown> | undefined
  readonly timeout?: Duration.Input | undefined
  readonly onFailure?: "halt" | "discard" | undefined
}

const rules: Rules<Options> = {
  retry: must("a Schedule", Schedule.isSchedule),
  timeout,
  onFailure: oneOf("halt", "discard")
}

/** Checks the parts of a handler. Returns a text that says what is wrong with them, or the handler. */
const compile = (kind: unknown, perform: unknown, options: Options): ErasedHandler | string => {
  if (typeof kind !== "string" || kind === "") return "a handler needs the kind of its intents"
  if (kind === approvalKind || kind === childKind) return "the engine performs intents of that kind itself"
  if (typeof perform !== "function") return "the handler must be a function"
  const complaint = complaintOf(options, rules)
  if (complaint !== undefined) return complaint.message
  const { onFailure = "halt", retry = defaultRetry } = options
  const timeoutMs = options.timeout === undefined ? Infinity : millisOf(options.timeout)
  return {
    kind,
    typed: undefined,
    perform: perform as ErasedHandler["perform"],
    retry,
    timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
    onFailure,
    isBuiltIn: false
  }
}

/**
 * Reads a payload in the type of its kind. The agent that gave the intent may not declare the kind, so the payload may be any
 * data: it is checked here.
 */
const typedBy =
  ({ codec }: ErasedIntentKind) =>
  (payload: unknown): unknown => {
    let decoded: unknown
    try {
      decoded = codec.decode(canonicalText(payload))
    } catch (error) {
      throw new InvalidValue(issuesText(error))
    }
    codec.encode(decoded)
    return decoded
  }

/**
 * Defines a handler, for `handlers` of `Engine.layer`. `perform` is called at least once for every committed intent of the
 * kind: give `idempotencyKey` to the system that it calls, so that a second call does nothing twice. With a kind that
 * `Intent.kind` made, the payload and the answers are typed.
 *
 * @throws InvalidProgram when an option cannot work
 */
export function handler<
  Name extends string,
  T,
  Answers extends Kind.Any,
  IsRecord extends boolean,
  E = never,
  R = never,
  R2 = never
>(
  kind: IntentKind<Name, T, Answers, IsRecord>,
  perform: (intent: HandledIntent<T>) => Effect.Effect<AnswerOf<NoInfer<Answers>>, E, R>,
  options?: HandlerOptions<NoInfer<E>, R2>
): Handler<R | R2, Name>
export function handler<const Name extends string, E = never, R = never, R2 = never>(
  kind: Name,
  perform: (intent: HandledIntent) => Effect.Effect<Answer, E, R>,
  options?: HandlerOptions<NoInfer<E>, R2>
): Handler<R | R2, Name>
export function handler(kind: unknown, perform: unknown, options?: object): Handler<unknown> {
  const given: object = options === undefined ? {} : options
  const compiled = compile(isIntentKind(kind) ? kind.name : kind, perform, given)
  if (typeof compiled === "string") {
    const name = isIntentKind(kind) ? kind.name : kind
    throw new InvalidProgram({ program: "", message: `handler of ${JSON.stringify(name)}: ${compiled}` })
  }
  const typed = isIntentKind(kind) ? typedBy(eraseIntentKind(kind)) : undefined
  return Object.freeze({ ...compiled, typed, [HandlerTypeId]: undefined as never })
}

/**
 * A handler that performs the intents of child jobs in the place of the engine: the test kit answers them from a recording. It
 * makes one attempt.
 */
export const childHandler = (perform: (intent: HandledIntent) => Effect.Effect<unknown, unknown>): Handler<never> =>
  Object.freeze({
    kind: childKind,
    typed: undefined,
    perform,
    retry: Schedule.recurs(0),
    timeoutMs: undefined,
    onFailure: "halt",
    isBuiltIn: true,
    [HandlerTypeId]: undefined as never
  } satisfies ErasedHandler & Handler)

/** The compiled form. The cast is safe: `handler` makes every handler, and with all these fields. */
export const compiledHandler = (handler: Handler<unknown>): ErasedHandler => handler as unknown as ErasedHandler

/** Whether a value is a handler made above. */
export const isHandler = (value: unknown): value is Handler<unknown> =>
  typeof value === "object" && value !== null && HandlerTypeId in value
