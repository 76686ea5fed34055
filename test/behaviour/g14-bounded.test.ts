/**
 * G14, nothing is unbounded: mailbox, event log, telemetry, diagnostics, fibers, values and derivation trees keep to their
 * limits, and what is beyond a limit is refused, dropped or counted, never kept.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Engine, Fact, type JobEvent, Limits, Program, Provenance } from "../../src/index.ts"
import { EventLog } from "../../src/job/eventLog.ts"
import {
  Cell,
  cell,
  counter,
  engine,
  entry,
  Entry,
  failure,
  makeGate,
  noInput,
  num,
  Num,
  nums,
  turns,
  until
} from "../support/behaviour/harness.ts"
import { discarded, runInline } from "../support/core/run.ts"
import { discardAll } from "../support/core/lenient.ts"

describe("the limits", () => {
  it("are finite, positive whole numbers", () => {
    for (const [name, limit] of Object.entries(Limits)) {
      expect(Number.isSafeInteger(limit) && limit > 0, name).toBe(true)
    }
  })
})

describe("the mailbox", () => {
  it.effect(
    "holds so many signals; the next are refused, those that were interrupted make room, all others arrive",
    () =>
      Effect.gen(function* () {
        const gate = makeGate()
        const job = yield* Engine.start(counter(0, { before: () => gate.arrive }), {})
        yield* gate.arrived
        const send = (n: number) => Effect.forkChild(job.signal([num(n)]), { startImmediately: true })
        const sent = yield* Effect.forEach(
          Array.from({ length: Limits.mailboxSignals }, (_, n) => n + 10),
          send
        )
        for (let more = 0; more < 100; more++) {
          expect(yield* failure(job.signal([num(-1)]))).toMatchObject({
            _tag: "AdmissionRejected",
            reason: "queue-full"
          })
        }
        yield* Fiber.interrupt(sent[5]!)
        sent.push(yield* send(5))
        expect(yield* failure(job.signal([num(-1)]))).toMatchObject({ _tag: "AdmissionRejected" })
        yield* gate.open
        const exits = yield* Effect.forEach(sent, Fiber.await)
        expect(exits.filter(({ _tag }) => _tag === "Failure")).toHaveLength(1)
        const { context } = yield* job.result
        expect(context.size(Num)).toBe(Limits.mailboxSignals + 1)
        expect([context.find("Num", "5") !== undefined, context.find("Num", "15")]).toEqual([true, undefined])
      }).pipe(Effect.provide(engine()))
  )

  it.effect("holds so much text of signals; one that is larger than that is taken when nothing else waits", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const waits = Agent.make("waits", { execute: () => Effect.as(gate.arrive, {}) })
      const job = yield* Engine.start(
        Program.make("held", { signals: [Cell], input: noInput, kinds: [Cell], agents: [waits] }),
        {}
      )
      yield* gate.arrived
      const send = (name: string, length: number) => job.signal([cell(name, "x".repeat(length))])
      const large = yield* Effect.forkChild(send("large", Limits.mailboxLength + 1), { startImmediately: true })
      yield* turns(20)
      expect(yield* failure(send("small", 1))).toMatchObject({ _tag: "AdmissionRejected", reason: "queue-full" })
      yield* Fiber.interrupt(large)
      const sent = yield* Effect.forEach(["one", "two"], (name) =>
        Effect.forkChild(send(name, Limits.mailboxLength / 2 - 100), { startImmediately: true })
      )
      yield* turns(20)
      expect(yield* failure(send("three", 100_000))).toMatchObject({ _tag: "AdmissionRejected" })
      yield* gate.open
      for (const fiber of sent) yield* Fiber.join(fiber)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("takes so many proposals in one signal", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const job = yield* Engine.start(counter(0, { before: () => gate.arrive }), {})
      yield* gate.arrived
      const many = new Array<ReturnType<typeof num>>(Limits.signalProposals + 1).fill(num(1))
      expect(yield* failure(job.signal(many))).toMatchObject({ _tag: "InvalidInput" })
      yield* job.cancel
    }).pipe(Effect.provide(engine()))
  )
})

describe("a slow reader", () => {
  it.effect("of telemetry holds nobody up, and loses the oldest", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const reports = Limits.telemetryBuffer * 4
      const program = Program.make("reports", {
        input: noInput,
        agents: [
          Agent.make("reports", {
            execute: (view) =>
              Effect.gen(function* () {
                for (let n = 0; n < reports; n++) view.progress(n)
                yield* gate.arrive
                return {}
              })
          })
        ]
      })
      const job = yield* Engine.start(program, {})
      const slow = makeGate()
      const seen: Array<JobEvent.JobTelemetry> = []
      const read = Stream.runForEach(job.telemetry, (item) =>
        Effect.andThen(
          slow.arrive,
          Effect.sync(() => seen.push(item))
        )
      )
      const reader = yield* Effect.forkChild(read, { startImmediately: true })
      yield* gate.arrived
      yield* gate.open
      expect((yield* job.result).status).toBe("converged")
      expect(seen).toEqual([])
      yield* slow.open
      yield* Fiber.join(reader)
      expect(seen.length).toBeGreaterThanOrEqual(Limits.telemetryBuffer)
      // Besides what waits, one batch may be in the reader's hands.
      expect(seen.length).toBeLessThanOrEqual(Limits.telemetryBuffer * 2)
      const values = seen.flatMap((item) => (item._tag === "TaskProgress" ? [item.value as number] : []))
      expect(values.at(-1)).toBe(reports - 1)
      expect(values).toEqual([...values].sort((a, b) => a - b))
    }).pipe(Effect.provide(engine()))
  )

  it.effect("of events holds nobody up, and loses none", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(counter(200), {})
      const seen: Array<JobEvent.JobEvent> = []
      const read = Stream.runForEach(job.events, (event) =>
        Effect.andThen(
          turns(1),
          Effect.sync(() => seen.push(event))
        )
      )
      const reader = yield* Effect.forkChild(read, { startImmediately: true })
      yield* job.result
      expect(seen.at(-1)?._tag).not.toBe("JobHalted")
      yield* Fiber.join(reader)
      expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1))
      expect(seen.at(-1)?._tag).toBe("JobHalted")
    }).pipe(Effect.provide(engine()))
  )
})

describe("the event log", () => {
  it.effect("keeps so many records; a reader that comes late begins at the oldest that is kept, with its number", () =>
    Effect.gen(function* () {
      const log = new EventLog()
      const records = Limits.retainedCycles * 2 + 10
      for (let cycle = 1; cycle < records; cycle++) log.append({ _tag: "Paused", cycle })
      log.append({
        _tag: "Halted",
        cycle: records,
        tier: -1,
        status: "converged",
        version: 0,
        hash: "",
        cause: undefined
      })
      const events = yield* Stream.runCollect(log.stream)
      expect(events.length).toBeGreaterThanOrEqual(Limits.retainedCycles)
      expect(events.length).toBeLessThan(Limits.retainedCycles * 2)
      expect(events.every(({ cycle, seq }) => cycle === seq)).toBe(true)
      expect(events.at(-1)).toMatchObject({ _tag: "JobHalted", seq: records })
    })
  )
})

describe("the event log, by what its records say", () => {
  const length = Limits.retainedLength / 8
  const committed = (cycle: number, length: number) =>
    ({
      _tag: "Committed",
      previousTier: 0,
      row: { cycle, tier: 0, agents: [], tasks: 0, signals: [], outcomes: [], violations: [], version: 0 },
      length
    }) as const

  it("keeps so much text, the newest, and counts all of it", () => {
    const log = new EventLog()
    for (let cycle = 1; cycle <= 100; cycle++) {
      log.append(committed(cycle, length))
      expect(log.records).toBeLessThan(16)
      expect(log.records).toBeGreaterThanOrEqual(Math.min(cycle, 8))
      expect(log.newest - log.oldest + 1).toBe(log.records)
    }
    expect(log.written).toBe(100 * length)
  })

  it("keeps the last record, however much it says", () => {
    const log = new EventLog()
    for (let cycle = 1; cycle <= 5; cycle++) {
      log.append(committed(cycle, 3 * Limits.retainedLength))
      expect([log.oldest, log.newest]).toEqual([cycle, cycle])
    }
  })

  it.effect("lets go of all but the end, once it has come", () =>
    Effect.gen(function* () {
      const log = new EventLog()
      for (let cycle = 1; cycle <= 9; cycle++) log.append(committed(cycle, 1))
      log.release()
      expect([log.records, log.isReleased]).toEqual([9, false])
      log.append({ _tag: "Halted", cycle: 9, tier: -1, status: "failed", version: 0, hash: "", cause: undefined })
      log.release()
      expect([log.records, log.isReleased]).toEqual([1, true])
      expect((yield* Stream.runCollect(log.stream)).map(({ _tag, seq }) => [_tag, seq])).toEqual([["JobHalted", 10]])
    })
  )
})

describe("a result", () => {
  it.effect("lists so many diagnostics; usage goes on counting", () =>
    Effect.gen(function* () {
      const tasks = Limits.diagnostics + 500
      const program = Program.make("fails", {
        input: noInput,
        agents: [Agent.make("fails", { each: Num, onFailure: discardAll, execute: () => Effect.fail("no") })],
        seed: () => nums(1, tasks)
      })
      const { result } = yield* runInline(program, {})
      expect(result.status).toBe("converged")
      expect(result.diagnostics).toHaveLength(Limits.diagnostics)
      expect(result.diagnostics.at(-1)).toMatchObject({ each: { kind: "Num", id: String(Limits.diagnostics) } })
      expect(result.usage.agents).toBe(tasks)
    })
  )

  it.effect("reports an oscillation within the window of states that a job remembers, and not beyond", () =>
    Effect.gen(function* () {
      /** A cell that goes round in `period` texts. */
      const round = (period: number) =>
        Program.make("round", {
          input: noInput,
          agents: [
            Agent.make("turns", {
              each: Cell,
              writes: [Cell],
              execute: ({ value: { text } }) =>
                Effect.succeed({ facts: [cell("x", String((Number(text) + 1) % period))] })
            })
          ],
          seed: () => [cell("x", "0")],
          budget: { maxCycles: Math.floor(period * 1.5) }
        })
      const within = yield* runInline(round(Limits.oscillationWindow - 10), {})
      expect(within.result.diagnostics.length).toBeGreaterThan(100)
      expect((yield* runInline(round(Limits.oscillationWindow + 100), {})).result.diagnostics).toEqual([])
    })
  )
})

describe("fibers", () => {
  /** How many of a job's tasks are under way at most, on an engine with these options. */
  const most = (tasks: number, options: Engine.EngineOptions, expected: number) =>
    Effect.gen(function* () {
      const seen = { running: 0, most: 0, ended: 0 }
      const program = Program.make("many", {
        input: noInput,
        agents: [
          Agent.make("waits", {
            each: Num,
            execute: () =>
              Effect.gen(function* () {
                seen.most = Math.max(seen.most, ++seen.running)
                yield* until(() => seen.most >= expected)
                yield* turns(2)
                seen.running--
                seen.ended++
                return {}
              })
          })
        ],
        seed: () => nums(1, tasks)
      })
      yield* Effect.provide(Engine.run(program, {}), engine(options))
      expect(seen).toEqual({ running: 0, most: expected, ended: tasks })
    })

  it.effect("of one job are under way so many at a time, by default", () =>
    most(Limits.fiberConcurrency * 3, {}, Limits.fiberConcurrency)
  )
  it.effect("or as many as the engine says", () => most(20, { fiberConcurrency: 3 }, 3))
  it.effect("or one after the other", () => most(5, { fiberConcurrency: 1 }, 1))
  it.effect("also where one of them ends others while it is being started", () =>
    Effect.gen(function* () {
      const gates = Array.from({ length: 100 }, () => Deferred.makeUnsafe<void>())
      let running = 0
      let most = 0
      const agent = Agent.make("a", {
        each: Num,
        execute: ({ value: { n } }) =>
          Effect.gen(function* () {
            most = Math.max(most, ++running)
            // Every fourth lets the three before it go, and takes a few turns itself.
            if (n % 4 !== 3) yield* Deferred.await(gates[n]!)
            else {
              for (const gate of gates.slice(n - 3, n)) Deferred.doneUnsafe(gate, Effect.void)
              yield* turns(3)
            }
            running--
            return {}
          })
      })
      const program = Program.make("p", { input: noInput, agents: [agent], seed: () => gates.map((_, n) => num(n)) })
      yield* Effect.provide(Engine.run(program, {}), engine({ fiberConcurrency: 4 }))
      expect(most).toBe(4)
    })
  )
})

describe("values", () => {
  const Any = Fact.kind("Any", { schema: Schema.Struct({ id: Schema.String, value: Schema.Json }), id: ({ id }) => id })
  const nested = (depth: number): unknown => {
    let value: unknown = 1
    for (let level = 0; level < depth; level++) value = [value]
    return value
  }
  const circular: Array<unknown> = []
  circular.push(circular)
  /** The struct around it is a level. */
  const deepest = Limits.valueDepth - 1
  const end = (effect: object) =>
    runInline(
      Program.make("deep", {
        input: noInput,
        agents: [Agent.make("deep", { writes: [Any], onFailure: discardAll, execute: () => Effect.succeed(effect) })]
      }),
      {}
    )
  const parts: Readonly<Record<string, (value: unknown) => object>> = {
    facts: (value) => ({ facts: [Any.of({ id: "x", value: value as Schema.Json })] }),
    traces: (value) => ({ trace: { value } }),
    intents: (value) => ({ intents: [{ kind: "k", payload: { value } }] })
  }
  for (const [what, effectOf] of Object.entries(parts)) {
    it.effect(`in ${what} are so deep; deeper and circular ones are no valid effect`, () =>
      Effect.gen(function* () {
        expect(discarded((yield* end(effectOf(nested(deepest)))).result)).toEqual(
          what === "intents" ? [["deep", "NotPerformed"]] : []
        )
        for (const value of [nested(deepest + 1), nested(Limits.valueDepth * 40), circular]) {
          const { result } = yield* end(effectOf(value))
          expect(result.diagnostics).toMatchObject([{ agent: "deep", cause: { _tag: "InvalidEffect" } }])
          expect(result.context.version).toBe(0)
        }
      })
    )
  }

  it.effect("in an error's text are so long", () =>
    Effect.gen(function* () {
      const long = "x".repeat(Limits.errorTextLength * 3)
      const program = Program.make("dies", {
        input: noInput,
        agents: [Agent.make("dies", { execute: () => Effect.die(new Error(long)) })]
      })
      const { error } = yield* runInline(program, {})
      expect(error).toMatchObject({ _tag: "AgentPanicked", message: long.slice(0, Limits.errorTextLength) })
      expect(error?._tag === "AgentPanicked" && error.stack.length <= Limits.errorTextLength).toBe(true)
    })
  )
})

describe("a derivation tree", () => {
  it.effect("spells out so many nodes, and counts the others", () =>
    Effect.gen(function* () {
      const seeds = Limits.explainNodes + 321
      const program = Program.make("sums", {
        input: noInput,
        agents: [
          Agent.make("sums", {
            reads: [Num],
            writes: [Entry],
            execute: () => Effect.succeed({ facts: [entry("sum")] })
          })
        ],
        seed: () => nums(1, seeds)
      })
      const { context } = (yield* runInline(program, {})).result
      const explained = Provenance.explain(context, { kind: "Entry", id: "sum" })!
      expect(explained.causes).toHaveLength(Limits.explainNodes - 1)
      expect(explained.omitted).toBe(seeds - Limits.explainNodes + 1)
      expect(Provenance.format(explained).split("\n")).toHaveLength(Limits.explainNodes + 1)
    })
  )

  it.effect("of a fact at the end of a chain longer than that stops, too", () =>
    Effect.gen(function* () {
      const length = Limits.explainNodes + 5
      const { context } = (yield* runInline(counter(length, { budget: { maxCycles: Infinity } }), {})).result
      let nodes = 0
      let node = Provenance.explain(context, { kind: "Num", id: String(length) })!
      for (nodes = 1; node.causes.length > 0; nodes++) node = node.causes[0]!
      expect(nodes).toBe(Limits.explainNodes)
      expect(node.omitted).toBe(1)
    })
  )
})
