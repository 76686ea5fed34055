/**
 * The faults of the engine that the simulator found, each by the smallest thing that showed it.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Budget, Engine, Fact, Intent, Invariant, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { EventLog } from "../../src/job/eventLog.ts"
import type { JobResult } from "../../src/outcome/JobResult.ts"
import type { Schedule } from "../../src/testing/simulation/schedule.ts"
import { simulate } from "../../src/testing/simulation/simulate.ts"
import { World } from "../../src/testing/simulation/World.ts"
import { rounds } from "../support/rounds.ts"

const Note = Fact.kind("Note", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })

const calm: Schedule = {
  ...{ seed: 1, order: "seeded", scans: false, workers: 0, delayMs: 0 },
  ...{ kills: [], acts: [], store: [], damages: [], pool: [] }
}

describe("a reader of events", () => {
  it("does not miss the last record, if it is suspended after it has looked (seed 190)", () => {
    const stuck: Array<number> = []
    for (let seed = 1; seed <= 300; seed++) {
      const log = new EventLog()
      const reader = Stream.runCollect(log.stream)
      const writer = Effect.gen(function* () {
        log.append({ _tag: "Paused", cycle: 0 })
        yield* Effect.yieldNow
        log.append({ _tag: "Halted", cycle: 0, tier: 0, status: "converged", version: 0, hash: "", cause: undefined })
      })
      const ran = new World({ seed }).run(Effect.all([reader, writer], { concurrency: "unbounded" }))
      if (ran._tag !== "Ended") stuck.push(seed)
    }
    expect(stuck).toEqual([])
  })
})

describe("a handler of intents", () => {
  it("runs on the scheduler of its engine, from its first step (seed 1)", () => {
    const Ask = Intent.kind("Ask", { payload: Schema.String, answers: [Note] })
    const asking = Agent.make("asking", { intents: [Ask], execute: () => Effect.succeed({ intents: [Ask.of("it")] }) })
    const program = Program.make("asks", { input: Schema.Null, agents: [asking] })
    const handler = Engine.handler(Ask, ({ payload }) => Effect.succeed([Note.of({ text: payload })]))
    const { broken, end } = simulate({ program, input: null, handlers: [handler], signals: [] }, calm)
    expect(broken).toBe(undefined)
    expect(end?.result.context.all(Note).map(({ value }) => value.text)).toEqual(["it"])
  })
})

describe("an effect that adds no bytes", () => {
  it.effect("crosses no budget of bytes, also in a context that violations have brought above it (seed 774)", () =>
    Effect.gen(function* () {
      const scoring = Agent.make("scoring", {
        reads: [Note],
        execute: (view) =>
          Effect.succeed({ evaluations: view.all(Note).map((fact) => ({ fact, score: 1, reason: "fine" })) })
      })
      const seeds = [Note.of({ text: "a" }), Note.of({ text: "b" })]
      const program = Program.make("scores", {
        input: Schema.Null,
        seed: () => seeds,
        agents: [scoring],
        budget: { maxContextBytes: 30 },
        invariants: [Invariant.semantic("few", (view) => view.size(Note) < 2 || "too many")]
      })
      const error = yield* Effect.flip(Effect.provide(Engine.run(program, null), Engine.layerMemory))
      expect(error).toMatchObject({ _tag: "InvariantViolated", name: "few" })
    })
  )
})

describe("a job that is paused and resumed while its store is slow", () => {
  it("logs the rests in their order, and before the cycle that follows (seed 68)", () => {
    const Go = Fact.kind("Go", { schema: Schema.Struct({ n: Schema.Finite }), id: ({ n }) => String(n) })
    const counting = Agent.make("counting", {
      each: Go,
      writes: [Go],
      execute: ({ value: { n } }) => Effect.succeed({ facts: n < 6 ? [Go.of({ n: n + 1 })] : [] })
    })
    const program = Program.make("counts", { input: Schema.Null, seed: () => [Go.of({ n: 0 })], agents: [counting] })
    const wrong: Array<string> = []
    for (let seed = 1; seed <= 150; seed++) {
      const acts = [2, 3, 5, 8, 13, 21, 30].map((at) => ({ at, do: "pause" as const, forMs: 0 }))
      const schedule = { ...calm, seed, acts, delayMs: 5 }
      const { events } = simulate({ program, input: null, handlers: [], signals: [] }, schedule)
      const tags = events.flatMap(({ _tag }) =>
        ["JobPaused", "JobResumed", "CycleStarted"].includes(_tag) ? [_tag] : []
      )
      const isWrong = (tag: string, index: number) => (tags[index - 1] === "JobPaused") !== (tag === "JobResumed")
      if (tags.some(isWrong)) wrong.push(`seed ${seed}: ${tags.join(" ")}`)
    }
    expect(wrong).toEqual([])
  })
})

describe("a task that gets its permit and finds no place", () => {
  it("asks again when there is one, so that the gap counts from its start (seed 2221)", () => {
    const Page = Fact.kind("Page", { schema: Schema.Struct({ n: Schema.Finite }), id: ({ n }) => String(n) })
    const starts: Array<number> = []
    const fetching = Agent.make("fetching", {
      each: Page,
      concurrency: { gap: "30 millis" },
      execute: () => Effect.map(Clock.currentTimeMillis, (now) => void starts.push(now)).pipe(Effect.as({}))
    })
    const slow = Agent.make("slow", { each: Page, execute: () => Effect.as(Effect.sleep("70 millis"), {}) })
    const program = Program.make("fetches", {
      input: Schema.Null,
      seed: () => [1, 2, 3, 4].map((n) => Page.of({ n })),
      agents: [fetching, slow]
    })
    const limits = { fiberConcurrency: 1 }
    const { end } = simulate({ program, input: null, handlers: [], signals: [], limits }, calm)
    expect(end?.result.status).toBe("converged")
    const gaps = starts.slice(1).map((at, index) => at - starts[index]!)
    expect(gaps).toHaveLength(3)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(30)
  })
})

describe("a violation at the beginning of a job on an earlier context", () => {
  it.effect("is of the whole context, in the job and in its journal (seed 354)", () =>
    Effect.gen(function* () {
      const program = Program.make("notes", {
        input: Schema.Null,
        seed: () => [Note.of({ text: "a" })],
        kinds: [Note],
        agents: [],
        invariants: [Invariant.semantic("few", (view) => view.size(Note) < 2 || "too many")]
      })
      const facts = [Note.of({ text: "b" })]
      const forking = Effect.gen(function* () {
        yield* Engine.run(program, null, { id: "first" })
        const job = yield* Engine.fork(program, "first", { facts, id: "second" })
        return yield* Effect.flip(job.result)
      })
      const reading = Effect.flatMap(Engine.resume(program, "second"), (job) => Effect.flip(job.result))
      const store = yield* Layer.build(JobStore.layerMemoryJournal)
      const engine = Engine.layer().pipe(Layer.provide(WorkerPool.layer()), Layer.provide(Layer.succeedContext(store)))
      const since = (error: { readonly partial: JobResult }) =>
        error.partial.context.get(Invariant.Violation, "few").pipe(Option.map(({ provenance }) => provenance.since))
      const live = yield* Effect.provide(forking, engine)
      const stored = yield* Effect.provide(reading, engine)
      expect(since(live)).toEqual(Option.some(0))
      expect(since(stored)).toEqual(Option.some(0))
    })
  )
})

describe("a payment that goes over a limit", () => {
  it("ends the job after the cycle, also if the cycle has to run again and nobody pays in it (seed 6063)", () => {
    const paying = Agent.make("paying", {
      each: Note,
      memoize: true,
      execute: () => Effect.as(Budget.spend({ cost: 3 }), {})
    })
    const program = Program.make("pays", {
      input: Schema.Null,
      seed: () => [Note.of({ text: "a" })],
      agents: [paying],
      budget: { maxCost: 2 }
    })
    // The beginning, the payment and the effect are written, and the row is refused.
    const schedule: Schedule = { ...calm, store: [{ write: 4, fault: "full" }] }
    const { end, lives } = simulate({ program, input: null, handlers: [], signals: [] }, schedule)
    expect(lives).toBe(2)
    const spent = { budget: "cost", used: 3, limit: 2, spender: "paying" }
    expect(end?.error).toMatchObject({ _tag: "BudgetExhausted", cycle: 1, ...spent })
  })
})

describe("the rest of a reservation", () => {
  it("is given away when its payment is written, so that no kill leaves more open than there is room (seed 7503)", () => {
    const paying = Agent.make("paying", {
      each: Note,
      execute: () =>
        Effect.gen(function* () {
          yield* Budget.reserve({ cost: 3 })
          yield* Effect.sleep("25 millis")
          yield* Budget.spend({ cost: 1 })
          return {}
        }).pipe(Effect.catchTag("NoRoom", () => Effect.succeed({})))
    })
    const program = Program.make("pays", {
      input: Schema.Null,
      seed: () => ["a", "b", "c"].map((text) => Note.of({ text })),
      agents: [paying],
      budget: { maxCost: 8 }
    })
    const above: Array<string> = []
    for (let seed = 1; seed <= rounds(12, 60); seed++) {
      for (let kill = 5; kill <= 25; kill++) {
        const { end } = simulate({ program, input: null, handlers: [], signals: [] }, { ...calm, seed, kills: [kill] })
        const cost = end?.result.usage.cost ?? 0
        if (cost > 8) above.push(`seed ${seed}, kill ${kill}: ${cost}`)
      }
    }
    expect(above).toEqual([])
  })
})
