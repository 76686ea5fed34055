/**
 * Runs a program with its seeds and signals in several orders of arrival, and finds the first fact that depends on the order.
 *
 * An order is a list of parts. A job begins with the first part. For each further part there is another job, which begins on the
 * context that the job before has left: at its fixed point, or after its first cycle. So nothing depends on time, and an
 * order gives the same facts each time.
 *
 * Boundary: jobs of the caller's engine; arrivalOrders.ts makes the orders; Testing.ts has the public names.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { JobContext } from "../context/JobContext.ts"
import * as Engine from "../engine/Engine.ts"
import type { Needs } from "../engine/options.ts"
import { LogsEnd } from "../job/ending.ts"
import type { Job } from "../job/Job.ts"
import { encodeFactsOf, encodeInput, encodeSeeds } from "../engine/startRequest.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import { compiledOf, type CompiledProgram } from "../program/erased.ts"
import type { EncodedFact } from "../program/encoded.ts"
import type { Fact, FactRef, Proposal, Provenance } from "../program/Fact.ts"
import { ChildResult } from "../program/answerKinds.ts"
import { Violation } from "../program/Invariant.ts"
import { refKey } from "../program/keys.ts"
import type { Program } from "../program/Program.ts"
import { ProgramTypeId } from "../program/typeIds.ts"
import type { InvalidOptions } from "../values/InvalidOptions.ts"
import { invalidOptions } from "../values/options.ts"
import { parseJson } from "../values/parseJson.ts"
import { randomOf } from "../values/random.ts"
import { withoutKey } from "./childResults.ts"
import { type Arrival, naturalOrder, ordersOf } from "./arrivalOrders.ts"
import { endOrRest } from "./rest.ts"

/** The first place where an order gives something else. */
export interface Difference {
  readonly order: Arrival
  readonly what: "missing" | "extra" | "different" | "end"
  readonly fact: FactRef | undefined
  readonly agent: string
  readonly cycle: number
  readonly expected: unknown
  readonly found: unknown
  readonly message: string
}

interface Comparison {
  readonly facts: number
  /** The decisions and handlers for which the job waited at its fixed point, in the order of the seeds. */
  readonly waitsFor: ReadonlyArray<string>
  readonly orders: ReadonlyArray<Arrival>
  readonly difference: Difference | undefined
}

/** The program with these seeds. The invariants of a fixed point, and the output, count for the last part alone. */
const withSeeds = <P extends Program.Any>(program: P, seeds: ReadonlyArray<EncodedFact>, isLast: boolean): P => {
  const compiled = compiledOf(program)
  const seed = (): ReadonlyArray<Proposal<string, unknown>> =>
    seeds.map(({ kind, value }) => ({ kind: kind.name, value }))
  const open = isLast ? {} : { acceptance: [], semantic: [], output: undefined }
  return Object.freeze({
    ...program,
    [ProgramTypeId]: program[ProgramTypeId],
    compiled: { ...compiled, ...open, seed }
  })
}

/** A job that has ended: the tag of its error, or "converged" for a fixed point, and its context. */
interface Ended {
  readonly end: string
  readonly message: string
  readonly waitsFor: ReadonlyArray<string>
  readonly context: JobContext
  /** Whether its agents gave intents. */
  readonly hasIntents: boolean
}

const hasPartial = (
  error: unknown
): error is {
  readonly _tag: string
  readonly message: string
  readonly partial: { readonly context: JobContext; readonly intents: ReadonlyArray<unknown> }
} => typeof error === "object" && error !== null && "partial" in error && error.partial !== undefined

const endedOf = (
  end: string,
  message: string,
  { context, intents }: { readonly context: JobContext; readonly intents: ReadonlyArray<unknown> }
): Ended => ({ end, message, waitsFor: [], context, hasIntents: intents.length > 0 })

/** The ends of these jobs are no news: the log is silent about them. */
const quietly = Effect.provideService(LogsEnd, false)

/**
 * Runs a job to its end, or to its rest, which is a fixed point too. An end that is no convergence is a value; a refused start is
 * a failure.
 */
const runPart = <P extends Program.Any>(
  program: P,
  input: Program.Input<P>,
  options: Engine.StartOptions
): Effect.Effect<Ended, StartError | InvalidProgram, Engine.Engine | Needs<P>> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(quietly(Engine.start(program, input, options))), (job) =>
      Effect.onInterrupt(restore(endOf(job)), () => job.cancel)
    )
  )

const endOf = (job: Job<Program.Any>): Effect.Effect<Ended> =>
  Effect.flatMap(endOrRest(job), (waitsFor) =>
    Effect.flatMap(Effect.exit(job.result), (exit) => {
      if (Exit.isSuccess(exit)) return Effect.succeed(endedOf("converged", "", exit.value))
      const error = exit.cause.reasons.find(Cause.isFailReason)?.error
      if (!hasPartial(error)) return Effect.die(new Error(Cause.pretty(exit.cause)))
      if (waitsFor.length === 0) return Effect.succeed(endedOf(error._tag, error.message, error.partial))
      return Effect.succeed({ ...endedOf("converged", "", error.partial), waitsFor })
    })
  )

/** Runs the parts of an order, each job on the context of the one before. The first part that ends otherwise is the last. */
const runOrder = Effect.fnUntraced(function* <P extends Program.Any>(
  program: P,
  input: Program.Input<P>,
  { isEarly, parts }: Arrival
) {
  let context: JobContext | undefined
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1
    const seeded = withSeeds(program, part, isLast)
    const on = context === undefined ? {} : { context }
    const isCut = isEarly && !isLast
    let ended: Ended = yield* runPart(seeded, input, isCut ? { ...on, budget: { maxCycles: 1 } } : on)
    // Nobody performs the intents of a job's last cycle, so a job with intents is not cut off.
    if (isCut && ended.hasIntents) ended = yield* runPart(seeded, input, on)
    context = ended.context
    const isAsWanted = ended.end === "converged" || (isEarly && ended.end === "BudgetExhausted")
    if (isLast || !isAsWanted) return ended
  }
  return yield* Effect.die(new Error("an order without parts"))
})

/** A fact, and the text that is compared. */
interface Entry {
  readonly fact: Fact
  readonly text: string
}

/** The facts of a context by their names: all but violations, which tell how the job came to its end. */
const factsOf = (context: JobContext): ReadonlyMap<string, Entry> =>
  new Map(
    context
      .encoded()
      .filter(({ fact }) => fact.kind !== Violation.name)
      .map(({ fact, text }) => [refKey(fact), { fact, text: fact.kind === ChildResult.name ? withoutKey(text) : text }])
  )

/** The explanation for the result of a child job without an id of its own. */
const unnamed = ({ kind, value }: Fact): string => {
  if (kind !== ChildResult.name || typeof value !== "object" || value === null) return ""
  return Reflect.get(value, "child") === Reflect.get(value, "key")
    ? ". Without an `id` in Intent.child it is known by the cycle and the task that asked for it, which go by the order: give it one"
    : ""
}

type Entries = ReturnType<typeof factsOf>

/**
 * The explanation for an agent that was executed for the same fact in both runs: what it looked at besides came later, and such a
 * fact does not execute it again. `isOwnEnough`: facts of its own kind may explain the difference, too.
 */
const halfJoin = (
  { agents }: CompiledProgram,
  { agent: name, each }: Provenance,
  found: Entries,
  isOwnEnough: boolean
): string => {
  const agent = agents.find((other) => other.name === name)
  if (agent?.each === undefined || each === undefined || !found.has(refKey(each))) return ""
  const others = agent.visible.filter((kind) => kind !== agent.each).map((kind) => kind.name)
  if (others.length === 0 && !isOwnEnough) return ""
  const looked = others.length === 0 ? `other facts of ${agent.each.name}` : others.join(", ")
  return (
    `. The agent is half a join: it executes for each new ${agent.each.name} and looks at ${looked}, ` +
    `but one of those that comes later does not execute it again. Write it with Agent.join`
  )
}

/** The explanation for a value of a kind whose rule goes by the order. */
const lastWord = ({ kinds }: CompiledProgram, name: string): string => {
  const rule = kinds.get(name)?.conflict
  return rule === "keepFirst" || rule === "keepLast"
    ? `. The kind's rule for conflicts is ${JSON.stringify(rule)}, so the value depends on the order: combine values by a function that is commutative, associative and idempotent`
    : ""
}

const differenceOf = (program: CompiledProgram, whole: Ended, order: Arrival, found: Ended): Difference | undefined => {
  if (found.end !== whole.end) {
    const message =
      `with the ${order.what} in another order (${order.name}) the job ends with ${found.end}, not with ${whole.end}` +
      (found.message === "" ? "" : `: ${found.message}`)
    return { order, what: "end", fact: undefined, agent: "", cycle: 0, expected: whole.end, found: found.end, message }
  }
  return factDifference(program, whole.context, order, found.context)
}

/** The first fact in which the context of an order differs from that with everything from the start. */
export const factDifference = (
  program: CompiledProgram,
  whole: JobContext,
  order: Arrival,
  found: JobContext
): Difference | undefined => {
  const [ours, theirs] = [factsOf(whole), factsOf(found)]
  for (const [key, { fact, text }] of ours) {
    const other = theirs.get(key)
    if (other?.text === text) continue
    const what = other === undefined ? "missing" : "different"
    return { order, what, ...told(program, order, what, fact, [text, other?.text], theirs) }
  }
  for (const [key, { fact, text }] of theirs) {
    if (!ours.has(key))
      return { order, what: "extra", ...told(program, order, "extra", fact, [undefined, text], theirs) }
  }
  return undefined
}

const told = (
  program: CompiledProgram,
  { name: order, what: arrived }: Arrival,
  what: "missing" | "extra" | "different",
  fact: Fact,
  [expected, found]: readonly [string | undefined, string | undefined],
  entries: Entries
): Omit<Difference, "order" | "what"> => {
  const { id, kind, provenance } = fact
  const { agent, cycle } = provenance
  const hint = {
    extra: () => unnamed(fact),
    missing: () => unnamed(fact) || halfJoin(program, provenance, entries, true),
    different: () => unnamed(fact) || halfJoin(program, provenance, entries, false) || lastWord(program, kind)
  }[what]()
  const name = `${kind}/${id}`
  const by = agent === "" ? "" : `, which ${JSON.stringify(agent)} adds,`
  const sentence = {
    missing: `${name}${by} is missing`,
    extra: `${name}${by} is there, and is not if all ${arrived} are there from the start`,
    different: `${name}${by} has another value`
  }[what]
  return {
    fact: { kind, id },
    agent,
    cycle,
    expected: expected === undefined ? undefined : parseJson(expected),
    found: found === undefined ? undefined : parseJson(found),
    message: `with the ${arrived} in another order (${order}) ${sentence}${hint}`
  }
}

const unended = (whole: Ended, order: Arrival): Difference => ({
  order,
  what: "end",
  fact: undefined,
  agent: "",
  cycle: 0,
  expected: "converged",
  found: whole.end,
  message:
    `the job ends with ${whole.end}${whole.message === "" ? "" : `: ${whole.message}`}. ` +
    `Only a job that converges has a fixed point to compare`
})

/**
 * Validates signals, each for itself, since two of them may revise one fact.
 *
 * A decision answers an approval that a job has asked for, so it is no fact that may come at any time.
 */
export const encodeSignals = (
  compiled: CompiledProgram,
  signals: ReadonlyArray<unknown>,
  of: string
): Effect.Effect<ReadonlyArray<EncodedFact>, InvalidOptions> =>
  Effect.forEach(signals, (signal, index) => {
    const option = `signals[${index}]`
    const refuse = (message: string) => invalidOptions(of, { option, message })
    return Effect.matchEffect(
      encodeFactsOf(compiled, option, () => [signal]),
      {
        onFailure: ({ message }) => Effect.fail(refuse(message)),
        onSuccess: ([fact]) => {
          // One proposal gives one fact.
          const { kind } = fact!
          if (compiled.signals.has(kind.name)) return Effect.succeed(fact!)
          const name = JSON.stringify(kind.name)
          const advice = "A kind that may come from outside belongs into the program's `signals`"
          return Effect.fail(refuse(`${option}: the program takes no signal of the kind ${name}. ${advice}`))
        }
      }
    )
  })

/** Runs the program with everything at once, then in other orders, up to the first that differs. */
export const compareArrivals = <P extends Program.Any>(
  program: P,
  input: Program.Input<P>,
  options: { readonly orders: number; readonly seed: number; readonly signals: ReadonlyArray<unknown> }
): Effect.Effect<Comparison, InvalidOptions | StartError | InvalidProgram, Engine.Engine | Needs<P>> =>
  Effect.gen(function* () {
    const compiled = compiledOf(program)
    const { value } = yield* encodeInput(compiled, input)
    const seeds = yield* encodeSeeds(compiled, value)
    const signals = yield* encodeSignals(compiled, options.signals, "Testing.confluent")
    const all = [...seeds, ...signals]
    const natural = naturalOrder(all, signals.length)
    const whole = yield* runOrder(program, input, natural)
    const facts = factsOf(whole.context).size
    if (whole.end !== "converged") {
      return { facts, waitsFor: whole.waitsFor, orders: [], difference: unended(whole, natural) }
    }
    const orders = ordersOf(all, signals.length, options.orders, randomOf(options.seed))
    for (const order of orders) {
      const found = yield* runOrder(program, input, order)
      const difference = differenceOf(compiled, whole, order, found)
      if (difference !== undefined) return { facts, waitsFor: whole.waitsFor, orders, difference }
    }
    return { facts, waitsFor: whole.waitsFor, orders, difference: undefined }
  })
