/** The events of a job as they tell why it failed, does not end, or gave less than it should. */
import { describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Engine, Intent, type JobEvent, Program } from "../../src/index.ts"
import { type Diagnosis, Examination } from "../../src/outcome/diagnosis.ts"
import { cell, Cell, Entry, entry, num, Num, nums } from "../support/behaviour/harness.ts"
import { engineWith } from "../support/behaviour/intents.ts"

class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

/** Runs a program to its end, and examines its events. */
const diagnosed = (
  program: Program.Program.Any,
  children: ReadonlyArray<Program.Program.Any> = []
): Effect.Effect<Diagnosis> =>
  Effect.gen(function* () {
    // The programs of this file need no input and no services.
    const job = yield* Engine.start(program as Program.Program<"test", object, object, never, never, never>, {})
    const examination = new Examination()
    yield* Stream.runForEach(job.events, (event) => Effect.sync(() => examination.add(event)))
    return examination.result
  }).pipe(Effect.provide(engineWith({ children })), Effect.orDie)

const programOf = (options: {
  readonly agents: ReadonlyArray<Agent.Agent.Any>
  readonly seed: () => ReadonlyArray<ReturnType<typeof num> | ReturnType<typeof cell>>
  readonly maxCycles?: number
}) =>
  Program.make("test", {
    input: Schema.Struct({}),
    seed: options.seed,
    agents: options.agents,
    budget: { maxCycles: options.maxCycles ?? 100 }
  })

const flipper = (name: string, from: string, to: string) =>
  Agent.make(name, {
    reads: [Cell],
    writes: [Cell],
    execute: (view) =>
      Effect.succeed({
        facts: view
          .all(Cell)
          .filter(({ value }) => value.text === from)
          .map(({ id }) => cell(id, to))
      })
  })

describe("a diagnosis", () => {
  it.effect("names the agent, the fact and the message of the failure that ended the job", () =>
    Effect.gen(function* () {
      const failing = Agent.make("failing", {
        each: Num,
        writes: [],
        execute: ({ value: { n } }) => (n < 3 ? Effect.succeed({}) : new Refused({ message: "the door is shut" }))
      })
      const found = yield* diagnosed(programOf({ agents: [failing], seed: () => nums(1, 5) }))
      expect(found.headline).toBe(
        `Agent "failing" failed on Num/3 in cycle 1: the door is shut. The same happened 3 times.`
      )
      expect(found).toMatchObject({
        status: "failed",
        failure: {
          ...{ agent: "failing", each: { kind: "Num", id: "3" }, _tag: "AgentFailed", message: "the door is shut" },
          ...{ count: 3, first: 1, last: 1 }
        },
        failures: [{ agent: "failing", each: { kind: "Num", id: "5" }, count: 3 }],
        otherFailures: 0
      })
    })
  )

  it.effect(
    "names the first refused effect of the cycle whose budget was used up, and those of earlier cycles with no end",
    () =>
      Effect.gen(function* () {
        const growing = Agent.make("growing", {
          each: Num,
          writes: [Num],
          execute: ({ value: { n } }) => Effect.succeed({ facts: [num(n * 2 + 10), num(n * 2 + 11)] })
        })
        const program = Program.make("test", {
          input: Schema.Struct({}),
          seed: () => nums(1, 2),
          agents: [growing],
          budget: { maxFacts: 9 }
        })
        const found = yield* diagnosed(program)
        expect(found.error?._tag).toBe("BudgetExhausted")
        expect(found.failure).toMatchObject({ agent: "growing", _tag: "BudgetExhausted", each: { kind: "Num" } })
        expect(found.failure?.count).toBeGreaterThan(1)
        expect(found.failure?.each).not.toEqual(found.failures[0]?.each)
      })
  )

  it.effect("names the fact of the cycle that ended the job, where the agent had failed alike in an earlier one", () =>
    Effect.sync(() => {
      const examination = new Examination()
      let seq = 0
      const fail = (cycle: number, id: string): void =>
        examination.add({
          ...{ _tag: "TaskDiscarded", seq: ++seq, cycle, agent: "a", each: { kind: "Num", id } },
          cause: { _tag: "AgentTimedOut", agent: "a", cycle, timeoutMs: 5 }
        })
      for (const cycle of [1, 2]) {
        examination.add({ _tag: "CycleStarted", seq: ++seq, cycle, tier: 0, agents: ["a"], tasks: 2 })
        fail(cycle, `${cycle} first`)
        fail(cycle, `${cycle} last`)
      }
      const error = { _tag: "AgentTimedOut", agent: "a", cycle: 2, timeoutMs: 5 } as const
      examination.add({ _tag: "JobHalted", seq: ++seq, cycle: 2, status: "failed", version: 0, hash: "", error })
      const { failure, headline } = examination.result
      expect(headline).toBe(
        `Agent "a" failed on Num/2 first in cycle 2: it took longer than 5 ms. The same happened 4 times.`
      )
      expect(failure).toMatchObject({ count: 4, first: 1, last: 2 })
    })
  )

  it.effect("names no fact where the beginning of the cycle was not read", () =>
    Effect.sync(() => {
      const examination = new Examination()
      const error = { _tag: "AgentTimedOut", agent: "a", cycle: 9, timeoutMs: 5 } as const
      const each = { kind: "Num", id: "5" }
      examination.add({ _tag: "TaskDiscarded", seq: 50, cycle: 9, agent: "a", each, cause: error })
      examination.add({ _tag: "JobHalted", seq: 51, cycle: 9, status: "failed", version: 0, hash: "", error })
      expect(examination.result.headline).toBe(`Agent "a" failed in cycle 9: it took longer than 5 ms.`)
    })
  )

  it.effect(
    "names the child job that failed, with the fact of the task that asked for it, and no failure of another agent",
    () =>
      Effect.gen(function* () {
        const child = Program.make("small", {
          input: Schema.Struct({}),
          seed: () => nums(1, 1),
          agents: [Agent.make("work", { each: Num, execute: () => new Refused({ message: "a bad child" }) })]
        })
        const noisy = Agent.make("noisy", {
          each: Num,
          onFailure: "discard",
          execute: () => new Refused({ message: "the door is shut" })
        })
        const spawn = Agent.make("spawn", {
          each: Num,
          execute: ({ value: { n } }) =>
            Effect.succeed({ intents: n === 2 ? [Intent.child(child, {}, { id: "kid" })] : [] })
        })
        const found = yield* diagnosed(programOf({ agents: [noisy, spawn], seed: () => nums(1, 4) }), [child])
        expect(found.headline).toBe(
          `The child job "kid" of "small", which agent "spawn" asked for on Num/2 in cycle 1, failed: ` +
            `agent "work" failed in cycle 1: a bad child.`
        )
        expect(found.failure).toMatchObject({ agent: "spawn", _tag: "IntentFailed", each: { id: "2" }, count: 1 })
        expect(found.failures).toMatchObject([{ agent: "noisy", count: 4 }])
      })
  )

  it.effect("names the intent that failed, and how many failed alike", () =>
    Effect.sync(() => {
      const examination = new Examination()
      let seq = 0
      const each = (id: string) => ({ kind: "Num", id })
      const failed = (id: string) =>
        ({
          _tag: "IntentFailed",
          agent: "asks",
          cycle: 1,
          kind: "Mail",
          key: `1/asks/${id}/0`,
          error: "no post"
        }) as const
      const asked = { agent: "asks", index: 0, kind: "Mail" }
      examination.add({ _tag: "CycleStarted", seq: ++seq, cycle: 1, tier: 0, agents: ["asks"], tasks: 2 })
      for (const id of ["1", "2"]) {
        examination.add({ _tag: "IntentCommitted", seq: ++seq, cycle: 1, ...asked, each: each(id), payload: {} })
      }
      examination.add({ _tag: "CycleStarted", seq: ++seq, cycle: 2, tier: 0, agents: [], tasks: 0 })
      for (const id of ["1", "2"]) {
        examination.add({ _tag: "SignalAdmitted", seq: ++seq, cycle: 2, proposals: 0, cause: failed(id) })
        examination.add({ _tag: "IntentAnswered", seq: ++seq, cycle: 2, ...asked, each: each(id) })
      }
      const end = { cycle: 2, status: "failed", version: 0, hash: "", error: failed("1") } as const
      examination.add({ _tag: "JobHalted", seq: ++seq, ...end })
      expect(examination.result.headline).toBe(
        `The intent "Mail", which agent "asks" asked for on Num/1 in cycle 1, failed: no post. The same happened 2 times.`
      )
    })
  )

  it.effect("shows no failure of a task beside an error that is of none", () =>
    Effect.sync(() => {
      const examination = new Examination()
      const cause = { _tag: "AgentTimedOut", agent: "a", cycle: 1, timeoutMs: 5 } as const
      examination.add({ _tag: "CycleStarted", seq: 1, cycle: 1, tier: 0, agents: ["a"], tasks: 1 })
      examination.add({ _tag: "TaskDiscarded", seq: 2, cycle: 1, agent: "a", cause })
      const error = { _tag: "JobCancelled", cycle: 1 } as const
      examination.add({ _tag: "JobHalted", seq: 3, cycle: 1, status: "cancelled", version: 0, hash: "", error })
      const { failure, failures } = examination.result
      expect(failure).toBeUndefined()
      expect(failures).toHaveLength(1)
    })
  )

  it.effect("of a past cycle says what followed it, also if that has ended since", () =>
    Effect.sync(() => {
      const after = (...rests: ReadonlyArray<"JobPaused" | "JobAwaiting" | "JobResumed">) => {
        const examination = new Examination()
        let seq = 0
        examination.add({ _tag: "CycleStarted", seq: ++seq, cycle: 1, tier: 0, agents: ["asks"], tasks: 2 })
        for (const index of [0, 1]) {
          const payload = { id: `no ${index}`, question: "May I?" }
          examination.add({
            _tag: "IntentCommitted",
            seq: ++seq,
            cycle: 1,
            agent: "asks",
            index,
            kind: "Approval",
            payload
          })
        }
        for (const _tag of rests) examination.add({ _tag, seq: ++seq, cycle: 1 })
        const { pastLine, result, standing } = examination
        return [standing.state, pastLine.replace(/^.*?\. /, ""), result.headline]
      }
      const waited = `Then it waited for 2 approvals, first "no 0" (May I?)`
      const waits = `It has not ended. It waits for 2 approvals, first "no 0" (May I?).`
      expect(after()).toEqual(["running", "Then it went on.", "It has not ended."])
      expect(after("JobAwaiting")).toEqual(["awaiting", `${waited}.`, waits])
      expect(after("JobAwaiting", "JobResumed")).toEqual([
        "awaiting",
        `${waited}, and went on later.`,
        "It has not ended."
      ])
      expect(after("JobPaused")).toEqual(["paused", "Then it was paused.", "It has not ended. It is paused."])
      expect(after("JobPaused", "JobResumed")).toEqual([
        "paused",
        "Then it was paused, and went on later.",
        "It has not ended."
      ])
    })
  )

  it.effect("tells of the conflict that ended the job, and not of failures that happened more often", () =>
    Effect.gen(function* () {
      const noisy = Agent.make("noisy", {
        each: Num,
        onFailure: "discard",
        execute: () => new Refused({ message: "the door is shut" })
      })
      const says = (name: string, n: number) =>
        Agent.make(name, {
          each: Num,
          writes: [Entry],
          execute: (fact) => Effect.succeed({ facts: fact.value.n === n ? [entry("clashed", name)] : [] })
        })
      const agents = [noisy, says("one", 1), says("two", 2)]
      const found = yield* diagnosed(programOf({ agents, seed: () => nums(1, 5) }))
      expect(found.failures[0]).toMatchObject({ agent: "noisy", count: 5 })
      expect(found.headline).toBe(
        `It failed in cycle 1 with MergeConflict: Entry/clashed has another value from "one".`
      )
      expect(found.failure).toMatchObject({
        agent: "two",
        _tag: "MergeConflict",
        each: { kind: "Num", id: "2" },
        message: `Entry/clashed has another value from "one"`,
        count: 1
      })
    })
  )

  it.effect("names the fact that goes to and fro, with its values and the agents between which it goes", () =>
    Effect.gen(function* () {
      const agents = [flipper("left", "a", "b"), flipper("right", "b", "a")]
      const found = yield* diagnosed(
        programOf({ agents, seed: () => [cell("door", "a"), cell("wall", "w")], maxCycles: 60 })
      )
      expect(found.headline).toBe(
        `It used up its budget of cycles: 60 of 60. Cell/door changed 50 times in the last 50 cycles, by "left" and "right".`
      )
      expect(found.cycles).toEqual({ from: 11, to: 60 })
      expect(found.changing).toHaveLength(1)
      expect(found.changing[0]).toMatchObject({ kind: "Cell", id: "door", times: 50, agents: ["left", "right"] })
      expect(found.changing[0]?.values.map(({ agent, cycle, value }) => [cycle, agent, value])).toEqual([
        [55, "left", { key: "door", text: "b" }],
        [56, "right", { key: "door", text: "a" }],
        [57, "left", { key: "door", text: "b" }],
        [58, "right", { key: "door", text: "a" }],
        [59, "left", { key: "door", text: "b" }],
        [60, "right", { key: "door", text: "a" }]
      ])
    })
  )

  it.effect("says which kind grows, and how much in each cycle", () =>
    Effect.gen(function* () {
      const growing = Agent.make("growing", {
        each: Num,
        writes: [Num],
        execute: ({ value: { n } }) => Effect.succeed({ facts: n % 10 === 0 ? [num(n + 10), num(n + 11)] : [] })
      })
      const found = yield* diagnosed(programOf({ agents: [growing], seed: () => [num(10)], maxCycles: 20 }))
      expect(found.headline).toBe(
        "It used up its budget of cycles: 20 of 20. It still grows: 40 facts of Num in the last 20 cycles."
      )
      expect(found.growth).toEqual([{ kind: "Num", facts: 40, perCycle: Array.from({ length: 20 }, () => 2) }])
    })
  )

  it.effect("says of a job that converged how many effects it went without", () =>
    Effect.gen(function* () {
      const failing = Agent.make("failing", {
        each: Num,
        writes: [],
        onFailure: "discard",
        execute: ({ value: { n } }) => (n % 2 === 0 ? Effect.succeed({}) : new Refused({ message: `odd ${n % 4}` }))
      })
      const found = yield* diagnosed(programOf({ agents: [failing], seed: () => nums(1, 9) }))
      expect(found.headline).toBe("It converged after cycle 1, without the effects of 5 tasks that failed.")
      expect(found.failures.map(({ count, message }) => [message, count])).toEqual([
        ["odd 1", 3],
        ["odd 3", 2]
      ])
    })
  )

  it.effect("holds the last cycles and a bounded number of facts, however long the log is", () =>
    Effect.sync(() => {
      const examination = new Examination()
      const fact = (id: string) => ({ kind: "Num", id, value: 1, provenance: {} as never })
      let seq = 0
      for (let cycle = 1; cycle <= 300; cycle++) {
        examination.add({ _tag: "CycleStarted", seq: ++seq, cycle, tier: 0, agents: ["a"], tasks: 1 })
        const facts = Array.from({ length: 1_000 }, (_, index) => fact(`${cycle}/${index}`))
        examination.add({ _tag: "FactsCommitted", seq: ++seq, cycle, agent: "a", facts })
      }
      const { changing, growth } = examination.result
      expect(changing).toEqual([])
      expect(growth).toEqual([{ kind: "Num", facts: 50_000, perCycle: Array.from({ length: 50 }, () => 1_000) }])
    })
  )

  it.effect("is the same whenever it was asked before", () =>
    Effect.sync(() => {
      let seed = 7
      const below = (most: number): number => (seed = (seed * 48_271) % 2_147_483_647) % most
      for (let round = 0; round < 30; round++) {
        const often = new Examination()
        const once = new Examination()
        let seq = 0
        const tell = (event: JobEvent.JobEvent): void => {
          once.add(event)
          often.add(event)
          if (below(20) === 0) expect(often.result.growth.length).toBeLessThanOrEqual(3)
        }
        for (let cycle = 1; cycle <= 130; cycle++) {
          tell({ _tag: "CycleStarted", seq: ++seq, cycle, tier: 0, agents: ["a"], tasks: 1 })
          for (let task = 0; task < below(4); task++) {
            const facts = Array.from({ length: below(300) }, () => ({
              kind: `Kind ${below(3)}`,
              id: String(below(round % 2 === 0 ? 40 : 20_000)),
              value: below(9),
              provenance: {} as never
            }))
            tell({ _tag: "FactsCommitted", seq: ++seq, cycle, agent: `agent ${below(3)}`, facts })
          }
        }
        expect(once.result).toEqual(often.result)
        expect(once.result.changing.length).toBeGreaterThan(0)
      }
    })
  )
})
