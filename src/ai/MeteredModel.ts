/**
 * A language model whose calls are metered: each reserves room under the job's `maxTokens` and `maxCost`, and pays what the model
 * says it used. Failed attempts, retries and interrupted streams count, too.
 *
 * Boundary: between effect/ai and `Budget`; the account of the job decides about room.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Response from "effect/ai/Response"
import { CurrentSpanTransformer } from "effect/ai/Telemetry"
import * as Budget from "../job/Budget.ts"
import { CurrentWallet } from "../job/wallet.ts"

/** How calls are metered. */
export interface MeterOptions {
  /** The most that one call may use, or a function of the call's options that gives it. It is reserved before each call. */
  readonly reserve: Budget.Amount | ((call: CallOptions) => Budget.Amount)
  /** The cost of a usage, in the unit of `maxCost`. It is asked only of a usage with a total. Default: as it was reserved. */
  readonly price?: ((usage: Response.Usage) => number) | undefined
  /**
   * Whether a call that failed so, and that reports no usage, costs nothing. Default: calls that the provider refused before it
   * generated anything. Other failures that report no usage pay what was reserved.
   */
  readonly isFree?: ((error: AiError.AiError) => boolean) | undefined
}

/** The options of a call of `generateText`, `generateObject` or `streamText`. */
export interface CallOptions {
  readonly prompt: unknown
}

/** Failures by which a provider refuses a request before it generates anything. */
const refusals: ReadonlySet<string> = new Set<AiError.AiErrorReason["_tag"]>([
  "RateLimitError",
  "QuotaExhaustedError",
  "AuthenticationError",
  "InvalidRequestError",
  "UnsupportedSchemaError",
  "ToolConfigurationError",
  "ToolkitRequiredError",
  "InvalidUserInputError"
])

/**
 * A layer that puts a meter before the `LanguageModel` below it.
 *
 * In an agent of a job, each call waits for room, as `Budget.reserve` does. Where there is none, the call fails with an `AiError`
 * whose reason is `QuotaExhaustedError`; an agent that does not catch it ends its job with `BudgetExhausted`. Outside of agents,
 * calls pass through.
 *
 * A call pays what the model reports, and what was reserved where it reports nothing: a stream that is interrupted before its
 * last part, a failure without a usage, an answer that cannot be decoded.
 */
export const layer = (
  options: MeterOptions
): Layer.Layer<LanguageModel.LanguageModel, never, LanguageModel.LanguageModel> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.map(LanguageModel.LanguageModel, (model) => make(model, options))
  )

/** A model with a meter before it. See `layer`. */
export const make = (model: LanguageModel.LanguageModel, options: MeterOptions): LanguageModel.LanguageModel => {
  const calls = untyped(model)
  return {
    ...model,
    ...typed({
      generateText: (call) => meteredCall(options, "generateText", call, () => calls.generateText(call)),
      generateObject: (call) =>
        meteredCall(options, "generateObject", call, (reported) => reporting(calls.generateObject(call), reported)),
      streamText: (call) => meteredStream(options, call, calls.streamText(call))
    })
  }
}

/* The calls of a model are generic in their options. A meter takes the options as they come and gives the result as it is, with
 * no error but `AiError`, which every call may fail with. So these casts lose nothing. */

type Call = CallOptions

interface Calls {
  readonly generateText: (call: Call) => Effect.Effect<LanguageModel.GenerateTextResponse<{}>, AiError.AiError>
  readonly generateObject: (call: Call) => Effect.Effect<LanguageModel.GenerateTextResponse<{}>, AiError.AiError>
  readonly streamText: (call: Call) => Stream.Stream<Response.StreamPart<{}>, AiError.AiError>
}

const untyped = (model: LanguageModel.LanguageModel): Calls => model as unknown as Calls

const typed = (calls: Calls): Pick<LanguageModel.LanguageModel, keyof Calls> =>
  calls as unknown as Pick<LanguageModel.LanguageModel, keyof Calls>

/** The usage that a call has reported so far. */
class Reported {
  usage: Response.Usage | undefined

  /** Adds the usage of a last part. A call may have several, if it goes on after calls of tools. */
  add(part: { readonly type: string; readonly usage?: unknown }): void {
    if (part.type !== "finish" || !(part.usage instanceof Response.Usage)) return
    this.usage = this.usage === undefined ? part.usage : sumOf(this.usage, part.usage)
  }
}

const meteredCall = <A extends LanguageModel.GenerateTextResponse<{}>>(
  options: MeterOptions,
  method: string,
  call: Call,
  run: (reported: Reported) => Effect.Effect<A, AiError.AiError>
): Effect.Effect<A, AiError.AiError> =>
  Effect.flatMap(CurrentWallet, (wallet) => {
    const reported = new Reported()
    if (wallet === undefined) return run(reported)
    return Effect.flatMap(reserved(options, method, call), (reservation) =>
      Effect.onExit(run(reported), (exit) => {
        if (Exit.isSuccess(exit)) reported.usage = exit.value.usage
        return settle(options, exit, reported, reservation)
      })
    )
  })

const meteredStream = <A extends { readonly type: string }>(
  options: MeterOptions,
  call: Call,
  run: Stream.Stream<A, AiError.AiError>
): Stream.Stream<A, AiError.AiError> =>
  Stream.unwrap(
    Effect.flatMap(CurrentWallet, (wallet) => {
      if (wallet === undefined) return Effect.succeed(run)
      const reported = new Reported()
      return Effect.map(reserved(options, "streamText", call), (reservation) =>
        Stream.onExit(
          Stream.tap(run, (part) => Effect.sync(() => reported.add(part))),
          (exit) => settle(options, exit, reported, reservation)
        )
      )
    })
  )

const reserved = (
  options: MeterOptions,
  method: string,
  call: Call
): Effect.Effect<Budget.Reservation, AiError.AiError> => {
  const amount = typeof options.reserve === "function" ? options.reserve(call) : options.reserve
  return Effect.mapError(Budget.reserve(amount), (refused) => {
    const reason = new AiError.QuotaExhaustedError({})
    // A failed task ends its job with `BudgetExhausted` if it finds this cause.
    Object.defineProperties(reason, { cause: { value: refused }, message: { value: refused.message } })
    return AiError.make({ module: "MeteredModel", method, reason })
  })
}

/** An answer that is not of the asked structure reports its usage through the transformer of its span. */
const reporting = <A extends LanguageModel.GenerateTextResponse<{}>>(
  run: Effect.Effect<A, AiError.AiError>,
  reported: Reported
): Effect.Effect<A, AiError.AiError> =>
  Effect.flatMap(Effect.serviceOption(CurrentSpanTransformer), (outer) =>
    Effect.provideService(run, CurrentSpanTransformer, (answer) => {
      for (const part of answer.response) reported.add(part)
      if (Option.isSome(outer)) outer.value(answer)
    })
  )

const settle = (
  options: MeterOptions,
  exit: Exit.Exit<unknown, AiError.AiError>,
  reported: Reported,
  reservation: Budget.Reservation
): Effect.Effect<void> => {
  const usage = reported.usage ?? (Exit.isFailure(exit) ? usageOf(exit.cause) : undefined)
  if (usage !== undefined) {
    // A usage without totals says nothing of the call: it pays what was reserved, and has no price.
    const cost = hasTotals(usage) ? options.price?.(usage) : undefined
    return Budget.spend(usage, { reservation, cost })
  }
  const error = Exit.isFailure(exit) ? errorOf(exit.cause) : undefined
  const isFree = error !== undefined && (options.isFree?.(error) ?? refusals.has(error.reason._tag))
  return Budget.spend(isFree ? { tokens: 0, cost: 0 } : {}, { reservation })
}

const hasTotals = ({ inputTokens, outputTokens }: Response.Usage): boolean =>
  inputTokens.total !== undefined || outputTokens.total !== undefined

const errorOf = (cause: Cause.Cause<AiError.AiError>): AiError.AiError | undefined =>
  Option.getOrUndefined(Cause.findErrorOption(cause))

/** The usage that an error reports. */
const usageOf = (cause: Cause.Cause<AiError.AiError>): Response.Usage | undefined => {
  const reason = errorOf(cause)?.reason
  const usage = reason !== undefined && "usage" in reason ? reason.usage : undefined
  if (usage === undefined) return undefined
  const { completionTokens, promptTokens, totalTokens } = usage
  const output = completionTokens ?? (totalTokens === undefined ? undefined : totalTokens - (promptTokens ?? 0))
  return usageFrom(promptTokens, output)
}

const usageFrom = (input: number | undefined, output: number | undefined): Response.Usage =>
  new Response.Usage({
    inputTokens: { uncached: undefined, total: input, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: undefined, reasoning: undefined }
  })

const add = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0)

const sumOf = (one: Response.Usage, other: Response.Usage): Response.Usage =>
  new Response.Usage({
    inputTokens: {
      uncached: add(one.inputTokens.uncached, other.inputTokens.uncached),
      total: add(one.inputTokens.total, other.inputTokens.total),
      cacheRead: add(one.inputTokens.cacheRead, other.inputTokens.cacheRead),
      cacheWrite: add(one.inputTokens.cacheWrite, other.inputTokens.cacheWrite)
    },
    outputTokens: {
      total: add(one.outputTokens.total, other.outputTokens.total),
      text: add(one.outputTokens.text, other.outputTokens.text),
      reasoning: add(one.outputTokens.reasoning, other.outputTokens.reasoning)
    }
  })
