/**
 * Runs a program with its seeds in several orders of arrival, and finds the first fact that depends on the order.
 *
 * An order is a list of parts. A job begins with the first part. For each further part there is another job, which begins on the
 * context that the job before has left: at its fixed point, or after its first cycle. So nothing depends on time, and an
 * order gives the same facts each time.
 *
 * Boundary: jobs of the caller's engine; Testing.ts has the public names.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { JobContext } from "../context/JobContext.ts"
import * as Engine from "../engine/Engine.ts"
import type { Needs } from "../engine/options.ts"
import { LogsEnd } from "../job/ending.ts"
import { encodeInput, encodeSeeds } from "../engine/startRequest.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import { compiledOf, type CompiledProgram } from "../program/erased.ts"
import type { EncodedFact } from "../program/encoded.ts"
import type { Fact, FactRef, Proposal, Provenance } from "../program/Fact.ts"
import { Violation } from "../program/Invariant.ts"
import { refKey } from "../program/keys.ts"
import type { Program } from "../program/Program.ts"
import { ProgramTypeId } from "../program/typeIds.ts"
import { parseJson } from "../values/parseJson.ts"
import { type Random, randomOf, shuffle } from "../values/random.ts"

/** The seeds in parts. `isEarly`: a further part arrives after one cycle, and not only at the fixed point. */
export interface Arrival {
  readonly name: string
  readonly parts: ReadonlyArray<ReadonlyArray<EncodedFact>>
  readonly isEarly: boolean
}

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
  readonly orders: ReadonlyArray<Arrival>
  readonly difference: Difference | undefined
}

/** Seeds that are tried alone, first and last: at most so many, evenly spread. */
const mostAlone = 8
/** Programs with at most so many seeds are also run with one seed after the other. */
const mostOneByOne = 6

/** The orders to try: by kind first, since most differences come from a kind that is late; by single seeds; at random. */
export const ordersOf = (seeds: ReadonlyArray<EncodedFact>, most: number, random: Random): ReadonlyArray<Arrival> => {
  if (seeds.length < 2) return []
  const found = new Map<string, Arrival>()
  const add = (name: string, parts: ReadonlyArray<ReadonlyArray<EncodedFact>>): void => {
    for (const isEarly of [false, true]) {
      const whole = isEarly ? `${name}, each part one cycle after the one before` : name
      const key = JSON.stringify([isEarly, parts.map((part) => part.map(({ id, kind }) => [kind.name, id]))])
      if (found.size < most && !found.has(key)) found.set(key, { name: whole, parts, isEarly })
    }
  }
  const split = (name: string, isIn: (seed: EncodedFact) => boolean): void => {
    const those = seeds.filter(isIn)
    const others = seeds.filter((seed) => !isIn(seed))
    if (those.length === 0 || others.length === 0) return
    add(`${name} last`, [others, those])
    add(`${name} first`, [those, others])
  }
  for (const kind of new Set(seeds.map((seed) => seed.kind))) split(`all ${kind.name}`, (seed) => seed.kind === kind)
  const stride = Math.max(1, Math.floor(seeds.length / mostAlone))
  for (let place = 0; place < seeds.length; place += stride) {
    const seed = seeds[place]!
    split(`${seed.kind.name}/${seed.id}`, (other) => other === seed)
  }
  if (seeds.length <= mostOneByOne) {
    const single = seeds.map((seed) => [seed])
    add("one by one", single)
    add("one by one, the last first", [...single].reverse())
  }
  for (let tries = 0; found.size < most && tries < 2 * most; tries++) {
    const count = Math.min(seeds.length, 2 + random(3))
    const parts: Array<Array<EncodedFact>> = Array.from({ length: count }, () => [])
    shuffle(seeds, random).forEach((seed, place) => parts[place < count ? place : random(count)]!.push(seed))
    add(`${count} parts at random (${tries + 1})`, parts)
  }
  return [...found.values()]
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

/** A job that has ended: the tag of its error, or "converged", and its context. */
interface Ended {
  readonly end: string
  readonly message: string
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
): Ended => ({ end, message, context, hasIntents: intents.length > 0 })

/** The ends of these jobs are no news: the log is silent about them. */
const quietly = Effect.provideService(LogsEnd, false)

/** Runs a job to its end. An end that is no convergence is a value; a refused start is a failure. */
const runPart = <P extends Program.Any>(
  program: P,
  input: Program.Input<P>,
  options: Engine.StartOptions
): Effect.Effect<Ended, StartError | InvalidProgram, Engine.Engine | Needs<P>> =>
  Effect.flatMap(Effect.exit(quietly(Engine.run(program, input, options))), (exit) => {
    if (Exit.isSuccess(exit)) return Effect.succeed(endedOf("converged", "", exit.value))
    const error = exit.cause.reasons.find(Cause.isFailReason)?.error
    if (!hasPartial(error)) return Effect.failCause(exit.cause as Cause.Cause<StartError | InvalidProgram>)
    return Effect.succeed(endedOf(error._tag, error.message, error.partial))
  })

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

/** The facts of a context by their names: all but violations, which tell how the job came to its end. */
const factsOf = (context: JobContext) =>
  new Map(
    context
      .encoded()
      .filter(({ fact }) => fact.kind !== Violation.name)
      .map((entry) => [refKey(entry.fact), entry] as const)
  )

type Entries = ReturnType<typeof factsOf>

/**
 * The explanation for an agent that was executed for the same fact in both runs: what it looked at besides came later, and such a
 * fact does not execute it again.
 */
const halfJoin = ({ agents }: CompiledProgram, { agent: name, each }: Provenance, found: Entries): string => {
  const agent = agents.find((other) => other.name === name)
  if (agent?.each === undefined || each === undefined || !found.has(refKey(each))) return ""
  const others = agent.visible.filter((kind) => kind !== agent.each).map((kind) => kind.name)
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
      `with the seeds in another order (${order.name}) the job ends with ${found.end}, not with ${whole.end}` +
      (found.message === "" ? "" : `: ${found.message}`)
    return { order, what: "end", fact: undefined, agent: "", cycle: 0, expected: whole.end, found: found.end, message }
  }
  const [ours, theirs] = [factsOf(whole.context), factsOf(found.context)]
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
  { name: order }: Arrival,
  what: "missing" | "extra" | "different",
  { id, kind, provenance }: Fact,
  [expected, found]: readonly [string | undefined, string | undefined],
  entries: Entries
): Omit<Difference, "order" | "what"> => {
  const { agent, cycle } = provenance
  const hint =
    what === "different" ? lastWord(program, kind) : what === "missing" ? halfJoin(program, provenance, entries) : ""
  const name = `${kind}/${id}`
  const by = agent === "" ? "" : `, which ${JSON.stringify(agent)} adds,`
  const sentence = {
    missing: `${name}${by} is missing`,
    extra: `${name}${by} is there, and is not if all seeds are there from the start`,
    different: `${name}${by} has another value`
  }[what]
  return {
    fact: { kind, id },
    agent,
    cycle,
    expected: expected === undefined ? undefined : parseJson(expected),
    found: found === undefined ? undefined : parseJson(found),
    message: `with the seeds in another order (${order}) ${sentence}${hint}`
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

/** Runs the program with all seeds, then in other orders, up to the first that differs. */
export const compareArrivals = <P extends Program.Any>(
  program: P,
  input: Program.Input<P>,
  options: { readonly orders: number; readonly seed: number }
): Effect.Effect<Comparison, StartError | InvalidProgram, Engine.Engine | Needs<P>> =>
  Effect.gen(function* () {
    const compiled = compiledOf(program)
    const { value } = yield* encodeInput(compiled, input)
    const seeds = yield* encodeSeeds(compiled, value)
    const natural: Arrival = { name: "all at once", parts: [seeds], isEarly: false }
    const whole = yield* runOrder(program, input, natural)
    const facts = factsOf(whole.context).size
    if (whole.end !== "converged") return { facts, orders: [], difference: unended(whole, natural) }
    const orders = ordersOf(seeds, options.orders, randomOf(options.seed))
    for (const order of orders) {
      const found = yield* runOrder(program, input, order)
      const difference = differenceOf(compiled, whole, order, found)
      if (difference !== undefined) return { facts, orders, difference }
    }
    return { facts, orders, difference: undefined }
  })
