/**
 * Types of programs, of `Engine.run` and of how jobs end. Checked by `tsc`, never run: a line under `@ts-expect-error`
 * that compiles is an error.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import {
  Agent,
  Budget,
  Engine,
  Fact,
  Intent,
  Invariant,
  type Job,
  type JobError,
  Program,
  type View
} from "../../src/index.ts"
import type { Assert, Same } from "./assert.ts"

const A = Fact.kind("A", { schema: Schema.Struct({ n: Schema.Finite }), id: (a) => String(a.n) })
const B = Fact.kind("B", { schema: Schema.Struct({ text: Schema.String }), id: (b) => b.text })
const Seeded = Fact.kind("Seeded", { schema: Schema.Struct({ n: Schema.Finite }), id: (it) => String(it.n) })
const Stranger = Fact.kind("Stranger", { schema: Schema.Struct({ n: Schema.Finite }), id: (it) => String(it.n) })

class Disk extends Context.Service<Disk, { readonly read: Effect.Effect<string> }>()("Disk") {}
class Net extends Context.Service<Net, { readonly get: Effect.Effect<string> }>()("Net") {}
class NotFound extends Data.TaggedError("NotFound")<{ readonly path: string }> {}
class Refused extends Data.TaggedError("Refused")<{ readonly host: string }> {}

const reader = Agent.make("reader", {
  each: A,
  writes: [B],
  execute: () => Effect.flatMap(Disk, () => Effect.fail(new NotFound({ path: "p" })))
})
const fetcher = Agent.make("fetcher", {
  each: A,
  writes: [B],
  execute: () => Effect.flatMap(Net, () => Effect.fail(new Refused({ host: "h" })))
})
const quiet = Agent.make("quiet", { onFailure: "discard", execute: () => Effect.fail("quiet" as const) })

const full = Program.make("full", {
  input: Schema.Struct({ from: Schema.Finite, at: Schema.DateTimeUtc }),
  agents: [reader, fetcher, quiet],
  signals: [Seeded],
  tiers: [["reader", "fetcher"], ["quiet"]],
  seed: (input) => [A.of({ n: input.from }), Seeded.of({ n: 1 })],
  output: (view) => ({ texts: view.all(B).map((fact) => fact.value.text), violations: view.size(Invariant.Violation) })
})

type Input = { readonly from: number; readonly at: import("effect/DateTime").Utc }
type Output = { readonly texts: ReadonlyArray<string>; readonly violations: number }

declare const input: Input
const run = Engine.run(full, input)
type RunError = Effect.Error<typeof run>
type Run = Effect.Success<typeof run>

export type Inferred = [
  Assert<Same<Program.Program.Input<typeof full>, Input>>,
  Assert<Same<Program.Program.Output<typeof full>, { texts: Array<string>; violations: number }>>,
  Assert<Same<Program.Program.Error<typeof full>, NotFound | Refused>>,
  Assert<Same<Program.Program.Services<typeof full>, Disk | Net>>,
  Assert<Same<Program.Program.Kinds<typeof full>, typeof A | typeof B | typeof Seeded>>,
  Assert<Same<Effect.Services<typeof run>, Engine.Engine | Disk | Net>>,
  Assert<Same<Run, Job.JobResult<typeof full>>>,
  Assert<Same<Run["program"], "full">>,
  Assert<Same<Run["status"], "converged" | "budget-exhausted" | "failed" | "cancelled">>
]
declare const result: Run
export const output: Output = result.output

/* ---------------------------------------------------------------- how a run ends */

type Tags =
  | "AgentFailed"
  | "AgentPanicked"
  | "AgentTimedOut"
  | "AgentOutOfMemory"
  | "WorkerCrashed"
  | "InvalidEffect"
  | "MergeConflict"
  | "BudgetExhausted"
  | "InvariantViolated"
  | "ProgramPanicked"
  | "JobCancelled"
  | "StoreFailed"
  | "WorkersUnavailable"
  | "IntentFailed"
type StartTags =
  | "InvalidInput"
  | "AdmissionRejected"
  | "InvalidProgram"
  | "StoreError"
  | "ProgramChanged"
  | "JournalCorrupt"

declare const failed: Extract<RunError, { readonly _tag: "AgentFailed" }>
declare const conflict: Extract<RunError, { readonly _tag: "MergeConflict" }>
declare const exhausted: Extract<RunError, { readonly _tag: "BudgetExhausted" }>

export type Ends = [
  Assert<Same<RunError["_tag"], Tags | StartTags>>,
  Assert<Same<(typeof failed)["error"], NotFound | Refused>>,
  Assert<Same<(typeof failed)["partial"]["output"], undefined>>,
  Assert<Same<(typeof failed)["partial"]["program"], "full">>,
  Assert<Same<(typeof conflict)["agents"], readonly [string, string]>>,
  Assert<Same<(typeof exhausted)["spender"], string | undefined>>,
  Assert<
    Same<
      (typeof exhausted)["budget"],
      "cycles" | "facts" | "agents" | "duration" | "cpuTime" | "contextBytes" | "tokens" | "cost"
    >
  >
]

/** One by one, each with its fields; what is left is the others. */
const handled = run.pipe(
  Effect.catchTag("AgentFailed", (error) => Effect.succeed(error.error._tag)),
  Effect.catchTag("BudgetExhausted", (error) =>
    Effect.succeed([error.used, error.limit, error.partial.cycles] as const)
  ),
  Effect.catchTag("InvalidInput", (error) => Effect.succeed(error.message)),
  Effect.catchTags({
    MergeConflict: (error) => Effect.succeed([error.kind, error.agents[1]] as const),
    InvariantViolated: (error) => Effect.succeed(error.facts.map(({ id }) => id))
  })
)
export type Left = Assert<
  Same<
    Effect.Error<typeof handled>["_tag"],
    Exclude<
      Tags | StartTags,
      "AgentFailed" | "BudgetExhausted" | "InvalidInput" | "MergeConflict" | "InvariantViolated"
    >
  >
>
void run.pipe(
  // @ts-expect-error: there is no such end
  Effect.catchTag("AgentExploded", () => Effect.void)
)

/* A program whose agents cannot fail has no AgentFailed, and one without services needs none. */
const safe = Program.make("safe", { input: Schema.Struct({}), agents: [quiet] })
const safeRun = Engine.run(safe, {})
export type Safe = [
  Assert<Same<Effect.Error<typeof safeRun>["_tag"], Exclude<Tags, "AgentFailed"> | StartTags>>,
  Assert<Same<Effect.Services<typeof safeRun>, Engine.Engine>>,
  Assert<Same<Effect.Success<typeof safeRun>["output"], undefined>>
]
export const closed: Effect.Effect<Job.JobResult<typeof safe>, unknown> = safeRun.pipe(
  Effect.provide(Engine.layerMemory)
)
const open = run.pipe(Effect.provide(Engine.layerMemory))
export type Open = Assert<Same<Effect.Services<typeof open>, Disk | Net>>
const services = Layer.mergeAll(
  Engine.layerMemory,
  Layer.succeed(Disk)({ read: Effect.succeed("") }),
  Layer.succeed(Net)({ get: Effect.succeed("") })
)
export const provided: Effect.Effect<unknown, unknown> = run.pipe(Effect.provide(services))

/* Agents get a scope from their job. */
const scoped = Program.make("scoped", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("scoped", {
      execute: () =>
        Effect.as(
          Effect.acquireRelease(Effect.void, () => Effect.void),
          {}
        )
    })
  ]
})
export const needsNoScope: Effect.Effect<unknown, unknown, Engine.Engine> = Engine.run(scoped, {})

/* What is inferred is the same where an agent or a program is defined: at the top, in an array, in a call. */
const inPlace = Program.make("in-place", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("a", { each: A, writes: [B], execute: (fact) => Effect.succeed({ facts: [B.of({ text: fact.id })] }) }),
    Agent.make("b", { reads: [B], execute: () => Effect.fail(new NotFound({ path: "" })) }),
    Agent.make("c", { onFailure: "discard", execute: () => Effect.andThen(Disk, Effect.fail("c" as const)) })
  ]
})
Program.make("in-place", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("a", {
      writes: [A],
      // @ts-expect-error: not in reads, also for an agent that is defined in place
      execute: (view) => Effect.sync(() => (view.all(A), {}))
    }),
    Agent.make("b", {
      reads: [A],
      // @ts-expect-error: not in writes, also for an agent that is defined in place
      execute: () => Effect.succeed({ facts: [A.of({ n: 1 })] })
    })
  ]
})
const wholeInPlace = Engine.run(
  Program.make("q", { input: Schema.Struct({}), agents: [], output: (view) => view.version }),
  {}
)
const silentInPlace = Engine.run(
  Program.make("q", { signals: [A, B, Seeded], input: Schema.Struct({}), agents: [quiet] }),
  {}
)
export type InPlace = [
  Assert<Same<Program.Program.Kinds<typeof inPlace>, typeof A | typeof B>>,
  Assert<Same<Program.Program.Error<typeof inPlace>, NotFound>>,
  Assert<Same<Program.Program.Services<typeof inPlace>, Disk>>,
  Assert<Same<Effect.Success<typeof wholeInPlace>["output"], number>>,
  Assert<Same<Effect.Services<typeof wholeInPlace>, Engine.Engine>>,
  Assert<Same<Effect.Success<typeof silentInPlace>["output"], undefined>>,
  Assert<Same<Effect.Error<typeof silentInPlace>["_tag"], Exclude<Tags, "AgentFailed"> | StartTags>>
]

/* ---------------------------------------------------------------- the handle of a job */

declare const job: Job.Job<typeof full>
type JobEnds = Effect.Error<(typeof job)["result"]>
export type Handle = [
  Assert<Same<Effect.Success<(typeof job)["result"]>, Job.JobResult<typeof full>>>,
  Assert<Same<JobEnds["_tag"], Tags>>,
  Assert<Same<Effect.Services<(typeof job)["result"]>, never>>,
  Assert<Same<Effect.Error<(typeof job)["pause"]>, JobError.JobHalted>>,
  Assert<Same<Effect.Error<(typeof job)["cancel"]>, never>>,
  Assert<
    Same<
      Effect.Error<ReturnType<(typeof job)["signal"]>>,
      JobError.InvalidInput | JobError.SignalRefused | JobError.AdmissionRejected | JobError.JobHalted
    >
  >
]
void job.signal([Seeded.of({ n: 1 })])
void job.signal([Intent.Decision.of({ approval: "a", approved: true, by: "", reason: "" })])
// @ts-expect-error: a signal of a kind that the program has, and does not take from outside
void job.signal([A.of({ n: 1 })])
// @ts-expect-error: a signal of a kind that the program does not know
void job.signal([Stranger.of({ n: 1 })])

/* ---------------------------------------------------------------- what does not compile */

// @ts-expect-error: the input does not fit
void Engine.run(full, { from: "1", at: input.at })
// @ts-expect-error: a part of the input is missing
void Engine.run(full, { from: 1 })
// @ts-expect-error: the value, not its encoding
void Engine.run(full, { from: 1, at: "2026-11-21T00:00:00Z" })
// @ts-expect-error: there is no such option
void Engine.run(safe, {}, { name: "x" })
// @ts-expect-error: there is no such budget
void Engine.run(safe, {}, { budget: { maxThings: 1 } })

Program.make("p", {
  input: Schema.Struct({}),
  agents: [quiet],
  // @ts-expect-error: a tier with an agent that the program does not have
  tiers: [["quiet", "loud"]]
})
Program.make("p", {
  input: Schema.Struct({}),
  agents: [reader],
  // @ts-expect-error: a seed of a kind that the program does not know
  seed: () => [Stranger.of({ n: 1 })]
})
Program.make("p", {
  input: Schema.Struct({ from: Schema.Finite }),
  agents: [reader],
  // @ts-expect-error: a seed from an input that there is not
  seed: (given) => [A.of({ n: given.to })]
})
Program.make("p", {
  input: Schema.Struct({}),
  agents: [reader],
  // @ts-expect-error: an output from a kind that the program does not know
  output: (view) => view.all(Stranger)
})
// @ts-expect-error: an output is there at once
Program.make("p", { input: Schema.Struct({}), agents: [reader], output: async () => 1 })
Program.make("p", {
  input: Schema.Struct({}),
  agents: [reader],
  // @ts-expect-error: ... also where only one way through the function gives a promise
  output: (view) => (view.version > 1 ? 1 : Promise.resolve(1))
})
// @ts-expect-error: an Effect is no output
Program.make("p", { input: Schema.Struct({}), agents: [reader], output: () => Effect.succeed(1) })
Program.make("p", {
  input: Schema.Struct({}),
  agents: [reader],
  // @ts-expect-error: nor is a generator
  output: function* () {
    yield 1
  }
})
// @ts-expect-error: seeds are there at once
Program.make("p", { input: Schema.Struct({}), agents: [reader], seed: async () => [A.of({ n: 1 })] })
// @ts-expect-error: an Effect is no seed
Program.make("p", { input: Schema.Struct({}), agents: [reader], seed: () => Effect.succeed([A.of({ n: 1 })]) })
Program.make("p", {
  input: Schema.Struct({}),
  agents: [reader],
  // @ts-expect-error: seeds are asked for one after the other, without waiting
  seed: async function* () {
    yield A.of({ n: 1 })
  }
})
// @ts-expect-error: a migration is a plain function
Program.make("p", { input: Schema.Struct({}), agents: [reader], migrate: async (fact) => fact })
// @ts-expect-error: a check is a plain function
Invariant.acceptance("i", async () => true)
// @ts-expect-error: an Effect is no verdict
Invariant.semantic("i", () => Effect.succeed(true))
// @ts-expect-error: a promise is no verdict
Invariant.structural("i", () => Promise.resolve("reason"))
Program.make("p", {
  input: Schema.Struct({}),
  // @ts-expect-error: a kind is no agent
  agents: [A]
})
// @ts-expect-error: an input is a schema
Program.make("p", { input: { from: "number" }, agents: [] })
// @ts-expect-error: there is no such budget
Program.make("p", { input: Schema.Struct({}), agents: [], budget: { maxMinutes: 1 } })

/* ---------------------------------------------------------------- invariants */

// The checks of a program look at its kinds, wherever it names them, and at the built-in ones.
Program.make("p", {
  input: Schema.Struct({}),
  invariants: [
    Invariant.structural("s", (view, effect) => view.size(A) < 3 || effect.agent),
    Invariant.semantic("i", (view) => view.all(B).every(({ value }) => value.text !== "")),
    Invariant.acceptance("a", (view) => view.size(Seeded) > 0 && view.size(Invariant.Violation) === 0)
  ],
  agents: [
    Agent.make("a", { each: A, writes: [B], execute: (fact) => Effect.succeed({ facts: [B.of({ text: fact.id })] }) })
  ],
  kinds: [Seeded]
})
Program.make("p", {
  input: Schema.Struct({}),
  agents: [reader],
  // @ts-expect-error: a check of a kind that the program does not have
  invariants: [Invariant.acceptance("none", (view) => view.size(Stranger) === 0)]
})
const none = Invariant.acceptance("none", (view) => view.size(Stranger) === 0, { reads: [Stranger] })
const few = Invariant.structural("few", (view) => view.size(A) < 3, { reads: [A], onViolation: "discard" })
const named = Invariant.semantic("named", (view: View.View<typeof A>) => view.size(A) > 0)
const blind = Invariant.structural("blind", (_, effect) => effect.facts.length < 3)
Program.make("p", { input: Schema.Struct({}), agents: [reader], invariants: [few, named, blind] })
Program.make("p", { input: Schema.Struct({}), agents: [reader], kinds: [Stranger], invariants: [none] })
// @ts-expect-error: an invariant that was defined elsewhere, of a kind that the program does not have
Program.make("p", { input: Schema.Struct({}), agents: [reader], invariants: [none] })
// @ts-expect-error: a check that is defined elsewhere says what it looks at
Invariant.acceptance("none", (view) => view.size(A) === 0)
// @ts-expect-error: ... and looks at nothing else
Invariant.acceptance("none", (view) => view.size(B) === 0, { reads: [A] })
// @ts-expect-error: a check alone is no invariant
Program.make("p", { input: Schema.Struct({}), agents: [reader], invariants: [() => true] })

/* ---------------------------------------------------------------- money, and what a job knows of itself */

/** The needs of `Budget.reserve` are the job's own, and a refusal ends the job: neither shows in the agent. */
const pays = Agent.make("pays", {
  each: A,
  concurrency: { limit: 4, per: ({ value }) => String(value.n), gap: "50 millis" },
  execute: () =>
    Effect.gen(function* () {
      const reservation = yield* Budget.reserve({ tokens: 100, cost: 1 })
      yield* Budget.spend({ inputTokens: { total: 10 }, outputTokens: {} }, { reservation, cost: 1 })
      return {}
    })
})

const knows = Program.make("knows", {
  input: Schema.Struct({ depth: Schema.Int }),
  agents: [pays],
  output: {
    schema: Schema.Struct({ depth: Schema.Int, at: Schema.DateTimeUtc }),
    from: (view) => ({ depth: view.input.depth, at })
  }
})
declare const at: DateTime.Utc

export type Money = [
  Assert<Same<Program.Program.Error<typeof knows>, never>>,
  Assert<Same<Program.Program.Services<typeof knows>, never>>,
  Assert<Same<Program.Program.Output<typeof knows>, { readonly depth: number; readonly at: DateTime.Utc }>>,
  Assert<Same<ReturnType<typeof Program.output<typeof knows>>, { readonly depth: number; readonly at: DateTime.Utc }>>
]

Program.make("p", {
  input: Schema.Struct({ depth: Schema.Int }),
  agents: [pays],
  // @ts-expect-error: the input has no such field
  output: (view) => view.input.width
})
Program.make("p", {
  input: Schema.Struct({}),
  agents: [pays],
  // @ts-expect-error: it does not fit the schema
  output: { schema: Schema.Int, from: () => "1" }
})
// @ts-expect-error: a key is made of a task's fact
Agent.make("a", { concurrency: { limit: 1, per: (fact) => fact.id }, execute: () => Effect.succeed({}) })
// @ts-expect-error: CPU agents run on the threads of the pool
Agent.cpu("a", { concurrency: 1, execute: () => ({}) })
