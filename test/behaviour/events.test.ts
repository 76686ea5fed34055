/**
 * The event log: a function of the journal (docs/events.md). Sequenced without gaps, published after the commit, the same
 * for every reader and in every run, ended by `JobHalted`.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Agent, Engine, Invariant, type JobEvent, Program } from "../../src/index.ts"
import { EventLog } from "../../src/job/eventLog.ts"
import { viewOf } from "../../src/job/jobHandle.ts"
import {
  cell,
  Cell,
  counter,
  engine,
  engineOver,
  entry,
  Entry,
  eventsOf,
  failure,
  idle,
  makeGate,
  noInput,
  num,
  Num,
  nums,
  stuck,
  tagsOf,
  turns,
  until,
  untilAtWork
} from "../support/behaviour/harness.ts"
import { folded } from "../support/behaviour/folded.ts"
import { manyParts } from "../support/behaviour/joinedParts.ts"
import { projectRoot } from "../support/node.ts"
import { discardAll } from "../support/core/lenient.ts"

/** Two tiers, an agent with `each`, evaluations, intents, failures of two sorts, a broken and repaired invariant. */
const rich = (before: Effect.Effect<void> = Effect.void) =>
  Program.make("rich", {
    input: noInput,
    seed: () => nums(1, 2),
    agents: [
      Agent.make("look", {
        each: Num,
        writes: [Cell],
        execute: ({ id, kind, value: { n } }) =>
          Effect.as(before, {
            facts: [cell(id, `cell ${n}`)],
            evaluations: [{ fact: { kind, id }, score: 0.5, reason: "fair" }],
            intents:
              n === 1
                ? []
                : [
                    { kind: "tell", payload: { n } },
                    { kind: "ask", payload: null }
                  ]
          })
      }),
      Agent.make("fail", { reads: [Num], onFailure: discardAll, execute: () => Effect.fail({ why: "no" }) }),
      Agent.make("panic", { reads: [Num], onFailure: discardAll, execute: () => Effect.die(new Error("broken")) }),
      Agent.make("repair", {
        reads: [Invariant.Violation],
        writes: [Entry],
        execute: () => Effect.succeed({ facts: [entry("repaired")] })
      }),
      Agent.make("sum", {
        reads: [Cell],
        writes: [Entry],
        execute: (view) => Effect.succeed({ facts: [entry("sum", String(view.size(Cell)))] })
      })
    ],
    tiers: [["look", "fail", "panic", "repair"], ["sum"]],
    invariants: [Invariant.semantic("has an entry", (view) => view.size(Entry) > 0 || "no entry")]
  })

const richLog = [
  "0 JobStarted",
  "0 InvariantViolated",
  "1 CycleStarted",
  "1 TaskSucceeded look Num/1",
  "1 FactsCommitted look Num/1",
  "1 EvaluationsCommitted look Num/1",
  "1 TaskSucceeded look Num/2",
  "1 FactsCommitted look Num/2",
  "1 EvaluationsCommitted look Num/2",
  "1 IntentCommitted look Num/2",
  "1 IntentCommitted look Num/2",
  "1 TaskDiscarded fail",
  "1 TaskDiscarded panic",
  "1 TaskSucceeded repair",
  "1 FactsCommitted repair",
  "1 InvariantRepaired",
  "2 CycleStarted",
  "2 TaskSucceeded repair",
  "3 TierConverged",
  "3 CycleStarted",
  "3 TaskSucceeded sum",
  "3 FactsCommitted sum",
  "3 TierConverged",
  "3 JobHalted"
]

const line = (event: JobEvent.JobEvent): string => {
  const agent = "agent" in event ? ` ${event.agent}` : ""
  const each = "each" in event && event.each !== undefined ? ` ${event.each.kind}/${event.each.id}` : ""
  return `${event.cycle} ${event._tag}${agent}${each}`
}

const ofTag = <Tag extends JobEvent.JobEvent["_tag"]>(events: ReadonlyArray<JobEvent.JobEvent>, tag: Tag) =>
  events.filter((event): event is Extract<JobEvent.JobEvent, { _tag: Tag }> => event._tag === tag)

const expectSequenced = (events: ReadonlyArray<JobEvent.JobEvent>): void =>
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))

/** Signals admitted and discarded, a pause and a resume. */
const steered = Effect.gen(function* () {
  const gate = makeGate()
  const program = Program.make("steered", {
    signals: [Entry, Num],
    input: noInput,
    kinds: [Entry],
    seed: () => [num(0), entry("taken")],
    agents: [
      Agent.make("next", {
        each: Num,
        writes: [Num],
        execute: ({ value: { n } }) =>
          Effect.as(n === 0 ? gate.arrive : Effect.void, { facts: n < 1 ? [num(n + 1)] : [] })
      })
    ]
  })
  const job = yield* Engine.start(program, {})
  yield* gate.arrived
  const paused = yield* Effect.forkChild(job.pause, { startImmediately: true })
  const good = yield* Effect.forkChild(job.signal([num(50), entry("new")]), { startImmediately: true })
  const bad = yield* Effect.forkChild(failure(job.signal([entry("taken", "by another")])), { startImmediately: true })
  const known = yield* Effect.forkChild(job.signal([num(0)]), { startImmediately: true })
  yield* gate.open
  yield* Fiber.join(paused)
  yield* job.resume
  yield* Effect.all([Fiber.join(good), Fiber.join(known)])
  expect(yield* Fiber.join(bad)).toMatchObject({ _tag: "InvalidInput" })
  yield* job.result
  return yield* eventsOf(job)
})

describe("the order of events", () => {
  it.effect("is: tiers left behind, the cycle, its tasks in merge order with what each did, then invariants", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(rich(), {})
      const result = yield* job.result
      const events = yield* eventsOf(job)
      expect(events.map(line)).toEqual(richLog)
      expectSequenced(events)

      const [started] = ofTag(events, "JobStarted")
      expect(started).toMatchObject({
        program: "rich",
        seeds: [
          { kind: "Num", id: "1" },
          { kind: "Num", id: "2" }
        ]
      })
      expect(started).toMatchObject({ version: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
      expect(ofTag(events, "CycleStarted")).toEqual([
        { _tag: "CycleStarted", seq: 3, cycle: 1, tier: 0, agents: ["look", "fail", "panic", "repair"], tasks: 5 },
        { _tag: "CycleStarted", seq: 17, cycle: 2, tier: 0, agents: ["repair"], tasks: 1 },
        { _tag: "CycleStarted", seq: 20, cycle: 3, tier: 1, agents: ["sum"], tasks: 1 }
      ])
      expect(ofTag(events, "TierConverged").map(({ tier }) => tier)).toEqual([0, 1])
      expect(ofTag(events, "FactsCommitted")[0]).toMatchObject({ facts: [{ kind: "Cell", value: { text: "cell 1" } }] })
      const evaluation = { fact: { kind: "Num", id: "1" }, score: 0.5, reason: "fair", agent: "look", cycle: 1 }
      expect(ofTag(events, "EvaluationsCommitted")[0]!.evaluations).toEqual([evaluation])
      const intent = { cycle: 1, agent: "look", each: { kind: "Num", id: "2" } }
      expect(ofTag(events, "IntentCommitted")).toEqual([
        { _tag: "IntentCommitted", seq: 10, ...intent, index: 0, kind: "tell", payload: { n: 2 } },
        { _tag: "IntentCommitted", seq: 11, ...intent, index: 1, kind: "ask", payload: null }
      ])
      expect(ofTag(events, "TaskDiscarded").map(({ cause }) => cause)).toEqual([
        { _tag: "AgentFailed", agent: "fail", cycle: 1, error: { why: "no" } },
        { _tag: "AgentPanicked", agent: "panic", cycle: 1, message: "broken" }
      ])
      expect(ofTag(events, "InvariantViolated")).toEqual([
        { _tag: "InvariantViolated", seq: 2, cycle: 0, name: "has an entry", reason: "no entry" }
      ])
      const repaired = { _tag: "InvariantRepaired", seq: 16, cycle: 1, name: "has an entry" }
      expect(ofTag(events, "InvariantRepaired")).toEqual([repaired])
      const { hash, version } = result
      const halted = { _tag: "JobHalted", seq: 24, cycle: 3, status: "converged", version, hash }
      expect(events.at(-1)).toEqual(halted)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("has signals as they arrived, before the tasks, and pauses where they took effect", () =>
    Effect.gen(function* () {
      const events = yield* steered
      expect(events.map(line)).toEqual([
        "0 JobStarted",
        "1 CycleStarted",
        "1 TaskSucceeded next Num/0",
        "1 FactsCommitted next Num/0",
        "1 JobPaused",
        "1 JobResumed",
        "2 CycleStarted",
        "2 SignalAdmitted",
        "2 FactsCommitted ",
        "2 SignalAdmitted",
        "2 SignalAdmitted",
        "2 TaskSucceeded next Num/1",
        "2 TaskSucceeded next Num/50",
        "2 TierConverged",
        "2 JobHalted"
      ])
      expectSequenced(events)
      const cause = { _tag: "MergeConflict", cycle: 2, kind: "Entry", id: "taken" }
      expect(ofTag(events, "SignalAdmitted")).toMatchObject([
        { proposals: 2 },
        { proposals: 1, cause },
        { proposals: 1 }
      ])
      expect(ofTag(events, "SignalAdmitted").map((event) => "cause" in event)).toEqual([false, true, false])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("between them, these jobs show every event that there is", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(rich(), {})
      const tags = [...tagsOf(yield* eventsOf(job)), ...tagsOf(yield* steered)]
      // The events of intents that are performed come with their handlers.
      const all: Record<Exclude<JobEvent.JobEvent["_tag"], "IntentAnswered" | "JobAwaiting">, true> = {
        JobStarted: true,
        CycleStarted: true,
        TaskSucceeded: true,
        TaskDiscarded: true,
        FactsCommitted: true,
        EvaluationsCommitted: true,
        SignalAdmitted: true,
        IntentCommitted: true,
        InvariantViolated: true,
        InvariantRepaired: true,
        TierConverged: true,
        JobPaused: true,
        JobResumed: true,
        JobHalted: true
      }
      expect([...new Set(tags)].sort()).toEqual(Object.keys(all).sort())
    }).pipe(Effect.provide(engine()))
  )
})

describe("readers", () => {
  it.effect("see the same, whenever they come, however slow they are, and whoever gives up", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const job = yield* Engine.start(counter(200, { before: (n) => (n === 100 ? gate.arrive : Effect.void) }), {})
      const early = yield* Effect.forkChild(eventsOf(job), { startImmediately: true })
      const slow = yield* Effect.forkChild(Stream.runCollect(Stream.tap(job.events, () => turns(1))))
      const leaves = yield* Effect.forkChild(eventsOf(job), { startImmediately: true })
      yield* gate.arrived
      const inBetween = yield* Effect.forkChild(eventsOf(job), { startImmediately: true })
      yield* Fiber.interrupt(leaves)
      yield* gate.open
      yield* job.result
      const late = yield* eventsOf(job)
      expect(late.length).toBeGreaterThan(400)
      expectSequenced(late)
      expect(yield* Fiber.join(early)).toEqual(late)
      expect(yield* Fiber.join(slow)).toEqual(late)
      expect(yield* Fiber.join(inBetween)).toEqual(late)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("see a cycle once it is committed, and not before", () => {
    const stored = Deferred.makeUnsafe<void>()
    let appending = false
    const append = () => {
      appending = true
      return Deferred.await(stored)
    }
    return Effect.gen(function* () {
      const job = yield* Engine.start(counter(1), {})
      const seen: Array<string> = []
      const reader = yield* Effect.forkChild(
        Stream.runForEach(job.events, (event) => Effect.sync(() => seen.push(event._tag)))
      )
      yield* until(() => appending)
      yield* turns(10)
      expect(seen).toEqual(["JobStarted"])
      yield* Deferred.succeed(stored, undefined)
      yield* Fiber.join(reader)
      expect(seen.slice(0, 4)).toEqual(["JobStarted", "CycleStarted", "TaskSucceeded", "FactsCommitted"])
    }).pipe(Effect.provide(engineOver({ store: { append } })))
  })
})

describe("a reader that names a number", () => {
  it.effect("sees what comes after it, be it in the middle of a cycle, at the end, or not there yet", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const job = yield* Engine.start(rich(gate.arrive), {})
      const log = viewOf(job)!.log
      yield* gate.arrived
      const early = yield* Effect.forkChild(Stream.runCollect(log.after(12)), { startImmediately: true })
      yield* gate.open
      yield* job.result
      const all = yield* eventsOf(job)
      expect(all).toHaveLength(richLog.length)
      for (let seq = 0; seq <= all.length + 2; seq++) {
        expect(yield* Stream.runCollect(log.after(seq))).toEqual(all.slice(seq))
      }
      expect(yield* Fiber.join(early)).toEqual(all.slice(12))
      expect([log.oldest, log.newest]).toEqual([1, all.length])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is not led past what it has seen", () =>
    Effect.gen(function* () {
      const log = new EventLog()
      const read: Array<number> = []
      for (let n = 1; n <= 10_000; n++) {
        log.append({
          _tag: "Paused",
          get cycle() {
            read.push(n)
            return n
          }
        })
      }
      const events = yield* Stream.runCollect(Stream.take(log.after(9_990), 3))
      expect(events.map(({ seq }) => seq)).toEqual([9_991, 9_992, 9_993])
      // A page holds what comes next, too, and nothing of what came before.
      expect(read.filter((n) => n < 9_991)).toEqual([])
      expect(read).toContain(9_993)
    })
  )
})

describe("the log is the same in every run", () => {
  it.effect("with another id, at another time, and it names neither", () =>
    Effect.gen(function* () {
      const one = yield* Engine.start(rich(), {}, { id: "an-id-of-its-own" })
      const first = yield* eventsOf(one)
      yield* TestClock.adjust("3 days")
      const gate = makeGate()
      const two = yield* Engine.start(rich(gate.arrive), {}, { id: "quite-another-id" })
      yield* gate.arrived
      yield* TestClock.adjust("1 hour")
      yield* gate.open
      expect(JSON.stringify(yield* eventsOf(two))).toBe(JSON.stringify(first))
      expect((yield* two.result).usage.durationMs).toBe(3_600_000)

      const text = JSON.stringify(first)
      expect(text).not.toContain("an-id-of-its-own")
      for (const key of ["stack", "jobId", "at", "time", "timestamp", "durationMs", "cpuMs", "idempotencyKey"]) {
        expect(text).not.toContain(`"${key}":`)
      }
      const { diagnostics } = yield* one.result
      expect(diagnostics.some(({ cause }) => "stack" in cause && cause.stack !== "")).toBe(true)
    }).pipe(Effect.provide(engine()))
  )
})

describe("the log ends with JobHalted", () => {
  it.effect("converged: without an error", () =>
    Effect.gen(function* () {
      const events = yield* eventsOf(yield* Engine.start(idle, {}))
      expect(events.map(line)).toEqual(["0 JobStarted", "0 JobHalted"])
      expect(events[1]).not.toHaveProperty("error")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("failed: with the error's fields, after the cycle that failed", () =>
    Effect.gen(function* () {
      const panics = Agent.make("panics", { execute: () => Effect.die(new Error("broken")) })
      const job = yield* Engine.start(Program.make("panics", { input: noInput, agents: [panics] }), {})
      const events = yield* eventsOf(job)
      expect(events.map(line)).toEqual(["0 JobStarted", "1 CycleStarted", "1 TaskDiscarded panics", "1 JobHalted"])
      const error = { _tag: "AgentPanicked", agent: "panics", cycle: 1, message: "broken" }
      const { hash } = (yield* failure(job.result)).partial
      expect(events[3]).toEqual({ _tag: "JobHalted", seq: 4, cycle: 1, status: "failed", version: 0, hash, error })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("out of budget: with what was used, and who would have crossed it", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(counter(9), {}, { budget: { maxFacts: 3 } })
      const events = yield* eventsOf(job)
      const error = { _tag: "BudgetExhausted", cycle: 3, budget: "facts", used: 3, limit: 3, spender: "next" }
      expect(events.at(-1)).toMatchObject({ _tag: "JobHalted", status: "budget-exhausted", cycle: 3, error })
      expect(tagsOf(events)).not.toContain("TierConverged")
      expect(events.at(-2)).toMatchObject({ _tag: "TaskDiscarded", cause: error })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("cancelled: the cycle that was discarded left nothing", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(stuck().program, {})
      yield* untilAtWork(job)
      const queued = yield* Engine.start(idle, {})
      yield* queued.cancel
      yield* job.cancel
      const error = { _tag: "JobCancelled", cycle: 0 }
      for (const cancelled of [job, queued]) {
        const events = yield* eventsOf(cancelled)
        expect(events.map(line)).toEqual(["0 JobStarted", "0 JobHalted"])
        expect(events[1]).toMatchObject({ status: "cancelled", error })
      }
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )
})

describe("docs/events.md", () => {
  const page = readFileSync(join(projectRoot, "docs/events.md"), "utf8")
  /** The fields that the page lists for an event, besides those of every event. */
  const listed = (tag: string): ReadonlyArray<string> => {
    const row = page.split("\n").find((line) => line.startsWith("| ") && line.split("|")[1]?.includes(`\`${tag}\``))
    return [...(row?.split("|")[2] ?? "").matchAll(/`(\w+)\??`/g)].map(([, name = ""]) => name)
  }

  it.effect("lists every field of the events of a job, and of the provenance of their facts", () =>
    Effect.gen(function* () {
      const eventsIn = (program: Program.Program.Any, input: object) =>
        Effect.flatMap(Engine.start(program as typeof idle, input), eventsOf).pipe(Effect.provide(engine()))
      const events = [
        ...(yield* eventsIn(rich(), {})),
        ...(yield* eventsIn(manyParts, { count: 4_000 })),
        ...(yield* eventsIn(folded, { seed: 1 }))
      ]
      const [, described = ""] = /The fields of `provenance` are([^]*?)\n\n/.exec(page) ?? []
      const used = new Set<string>()
      for (const { _tag, cycle: _, seq: __, ...rest } of events) {
        for (const name of Object.keys(rest)) {
          used.add(name)
          expect(listed(_tag), _tag).toContain(name)
        }
        for (const fact of "facts" in rest && _tag === "FactsCommitted" ? rest.facts : []) {
          for (const name of Object.keys(fact.provenance)) {
            used.add(name)
            expect(described).toContain(`\`${name}\``)
          }
        }
      }
      expect([...used]).toEqual(expect.arrayContaining(["each", "part", "because", "cause", "index"]))
    })
  )
})
