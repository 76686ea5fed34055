/**
 * Signals (S1 to S4): facts from outside, validated at the door, one effect a call, merged before agents run, and answered
 * when their cycle has committed. None is ever lost without an answer.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Agent, type Budget, Engine, Fact, Invariant, type Job, Limits, Program, type View } from "../../src/index.ts"
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
  stateOf,
  stuck,
  tagsOf,
  turn,
  turns,
  until
} from "../support/behaviour/harness.ts"
import { discardAll } from "../support/core/lenient.ts"

/** A job whose only agent waits at a gate in its first cycle, and that knows all kinds. */
const waiting = (
  options: {
    readonly invariants?: ReadonlyArray<Invariant.Invariant<typeof Num>>
    readonly budget?: Budget.Budget
  } = {}
) => {
  const gate = makeGate()
  const waits = Agent.make("waits", { execute: () => Effect.as(gate.arrive, {}) })
  const sees = Agent.make("sees", { reads: [Num, Entry, Cell], execute: () => Effect.succeed({}) })
  const program = Program.make("waiting", {
    input: noInput,
    signals: [Num, Entry, Cell],
    agents: [waits, sees],
    invariants: options.invariants,
    budget: options.budget
  })
  return { gate, program }
}

const signalled = <E>(effect: Effect.Effect<void, E>) =>
  Effect.forkChild(Effect.result(effect), { startImmediately: true })

describe("what a signal brings is validated", () => {
  const bad: ReadonlyArray<readonly [string, unknown, string]> = [
    ["a value that does not fit its schema", [{ kind: "Num", value: { n: "x" } }], "facts[0] (Num)"],
    ["the second of two", [num(1), { kind: "Num", value: { n: 1.5 } }], "facts[1] (Num)"],
    ["a kind that is not declared", [{ kind: "Nope", value: 1 }], 'facts[0] is of kind "Nope"'],
    ["the built-in kind of violations", [{ kind: "Violation", value: {} }], 'facts[0] is of kind "Violation"'],
    ["no proposal", [3], "facts[0] is number"],
    ["a proposal with a key too many", [{ ...num(1), id: "1" }], '"id"'],
    ["one fact twice", [num(1), num(2), num(1)], "facts[2]"],
    ["no array", { n: 1 }, "array"]
  ]
  it.effect.each(bad)("%s is InvalidInput, and names it", ([, proposals, where]) =>
    Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      const error = yield* failure(job.signal(proposals as Parameters<typeof job.signal>[0]))
      expect(error).toMatchObject({ _tag: "InvalidInput", program: "waiting" })
      expect(error.message).toContain(where)
      yield* gate.open
      expect((yield* job.result).version).toBe(0)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a throw in a kind's id is InvalidInput", () =>
    Effect.gen(function* () {
      const Shy = Fact.kind("Shy", {
        schema: Num.schema,
        id: () => {
          throw new Error("I have no id")
        }
      })
      const program = Program.make("shy", { signals: [Entry, Num, Shy], input: noInput, agents: [], kinds: [Shy] })
      const holder = yield* Engine.start(stuck().program, {})
      const job = yield* Engine.start(program, {})
      const error = yield* failure(job.signal([Shy.of({ n: 1 })]))
      expect(error).toMatchObject({ _tag: "InvalidInput", message: expect.stringContaining("I have no id") })
      yield* holder.cancel
      yield* job.result
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("more proposals than one signal may bring are refused whole", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      const error = yield* failure(job.signal(new Array(Limits.signalProposals + 1).fill(num(1))))
      expect(error).toMatchObject({
        _tag: "InvalidInput",
        message: expect.stringContaining(String(Limits.signalProposals))
      })
      yield* gate.open
      yield* job.result
    }).pipe(Effect.provide(engine()))
  )
})

describe("a signal's way into the context", () => {
  it.effect("it succeeds when its cycle has committed, not before", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* signalled(job.signal([num(1)]))
      yield* turns(20)
      expect(sent.pollUnsafe()).toBeUndefined()
      yield* gate.open
      yield* Fiber.join(sent)
      // In the very step in which the caller goes on, the fact is there for it to see.
      expect((yield* job.status).version).toBe(1)
      const result = yield* job.result
      expect(result.context.find("Num", "1")?.provenance).toMatchObject({ origin: "signal", agent: "", cycle: 2 })
      expect(tagsOf(yield* eventsOf(job))).toContain("SignalAdmitted")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("it succeeds only after the store has the row", () => {
    const store = makeGate()
    const layer = engineOver({ store: { append: (_, __, row) => (row.cycle === 2 ? store.arrive : Effect.void) } })
    return Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* signalled(job.signal([num(1)]))
      yield* gate.open
      yield* store.arrived
      yield* turns(5)
      expect(sent.pollUnsafe()).toBeUndefined()
      expect(stateOf(job)).toBe("running.merging")
      expect((yield* job.status).version).toBe(0)
      yield* store.open
      expect((yield* Fiber.join(sent))._tag).toBe("Success")
      yield* job.result
    }).pipe(Effect.provide(layer))
  })

  it.effect("signals are merged in the order of their arrival, one effect a call, before agents see them", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* Effect.forEach([3, 1, 2], (n) => signalled(job.signal([num(n), entry(`e${n}`)])))
      yield* gate.open
      for (const each of sent) expect((yield* Fiber.join(each))._tag).toBe("Success")
      const result = yield* job.result
      expect(result.context.facts().map(({ id }) => id)).toEqual(["3", "e3", "1", "e1", "2", "e2"])
      const events = yield* eventsOf(job)
      const cycle = events.filter((event) => event.cycle === 2)
      expect(tagsOf(cycle)).toEqual([
        "CycleStarted",
        "SignalAdmitted",
        "FactsCommitted",
        "SignalAdmitted",
        "FactsCommitted",
        "SignalAdmitted",
        "FactsCommitted",
        "TaskSucceeded",
        "TierConverged",
        "JobHalted"
      ])
      // The agent that reads them ran in the same cycle.
      expect(cycle[0]).toMatchObject({ agents: ["sees"], tasks: 1 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("an empty signal is a cycle of its own and adds nothing", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* signalled(job.signal([]))
      yield* gate.open
      expect((yield* Fiber.join(sent))._tag).toBe("Success")
      expect(yield* job.result).toMatchObject({ version: 0, cycles: 3 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a conflict discards that signal alone and names what it met", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const first = yield* signalled(job.signal([entry("k", "one")]))
      const second = yield* signalled(job.signal([num(5), entry("k", "two")]))
      const third = yield* signalled(job.signal([num(6)]))
      yield* gate.open
      expect((yield* Fiber.join(first))._tag).toBe("Success")
      const refused = yield* Fiber.join(second)
      expect(refused).toMatchObject({ _tag: "Failure", failure: { _tag: "InvalidInput" } })
      if (refused._tag === "Failure") expect(refused.failure.message).toContain("MergeConflict")
      expect((yield* Fiber.join(third))._tag).toBe("Success")
      const result = yield* job.result
      expect(result.context.facts().map(({ id }) => id)).toEqual(["k", "6"])
      expect(result.diagnostics).toMatchObject([
        { cycle: 2, agent: "", cause: { _tag: "MergeConflict", id: "k", agents: ["signal", "signal"] } }
      ])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a structural invariant discards that signal alone, and the job goes on", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting({
        invariants: [Invariant.structural("few", (view: View.View<typeof Num>) => view.size(Num) < 2 || "too many")]
      })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* Effect.forEach([1, 2], (n) => signalled(job.signal([num(n)])))
      yield* gate.open
      expect((yield* Fiber.join(sent[0]!))._tag).toBe("Success")
      expect(yield* Fiber.join(sent[1]!)).toMatchObject({ failure: { _tag: "InvalidInput" } })
      expect((yield* job.result).context.size(Num)).toBe(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a revision by a signal makes readers run again", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const gate = makeGate()
      const reads = Agent.make("reads", {
        each: Cell,
        execute: ({ value }) =>
          Effect.suspend(() => {
            seen.push(value.text)
            return Effect.as(value.text === "a" ? gate.arrive : Effect.void, {})
          })
      })
      const program = Program.make("reads", {
        signals: [Cell],
        input: noInput,
        agents: [reads],
        seed: () => [cell("c", "a")]
      })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* signalled(job.signal([cell("c", "b")]))
      yield* gate.open
      yield* Fiber.join(sent)
      yield* job.result
      expect(seen).toEqual(["a", "b"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a signal to a queued job is its first cycle's", () =>
    Effect.gen(function* () {
      const holder = yield* Engine.start(stuck().program, {})
      const job = yield* Engine.start(idle, {})
      const sent = yield* signalled(job.signal([num(1)]))
      yield* turns(5)
      expect(sent.pollUnsafe()).toBeUndefined()
      yield* holder.cancel
      yield* Fiber.join(sent)
      expect(yield* job.result).toMatchObject({ version: 1, cycles: 2 })
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("a cycle of signals alone belongs to the tier of the cycle before it (T4)", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const early = Agent.make("early", {
        each: Num,
        writes: [Entry],
        execute: ({ id }) => Effect.succeed({ facts: [entry(id)] })
      })
      const late = Agent.make("late", { each: Entry, execute: () => Effect.as(gate.arrive, {}) })
      const program = Program.make("tiers", {
        signals: [Cell],
        input: noInput,
        kinds: [Cell],
        agents: [early, late],
        tiers: [["early"], ["late"]],
        seed: () => [num(1)]
      })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* signalled(job.signal([cell("a", "read by nobody")]))
      yield* gate.open
      yield* Fiber.join(sent)
      yield* job.result
      const cycles = (yield* eventsOf(job)).filter((event) => event._tag === "CycleStarted")
      expect(cycles.map(({ agents, tier }) => [tier, agents])).toEqual([
        [0, ["early"]],
        [1, ["late"]],
        [1, []]
      ])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a signal opens a tier again that had converged", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const ran: Array<string> = []
      const early = Agent.make("early", {
        each: Num,
        writes: [Entry],
        execute: ({ id }) => Effect.sync(() => (ran.push(`early ${id}`), { facts: [entry(id)] }))
      })
      const late = Agent.make("late", {
        each: Entry,
        execute: ({ id }) =>
          Effect.andThen(
            Effect.sync(() => ran.push(`late ${id}`)),
            Effect.as(id === "1" ? gate.arrive : Effect.void, {})
          )
      })
      const program = Program.make("tiers", {
        signals: [Num],
        input: noInput,
        agents: [early, late],
        tiers: [["early"], ["late"]],
        seed: () => [num(1)]
      })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* signalled(job.signal([num(2)]))
      yield* gate.open
      yield* Fiber.join(sent)
      yield* job.result
      expect(ran).toEqual(["early 1", "late 1", "early 2", "late 2"])
    }).pipe(Effect.provide(engine()))
  )
})

describe("a signal that is not taken up", () => {
  it.effect("the mailbox is bounded: one more is AdmissionRejected, and there is room again after the cycle", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* Effect.forEach(Array.from({ length: Limits.mailboxSignals }), (_, n) =>
        signalled(job.signal([num(n)]))
      )
      expect(yield* failure(job.signal([num(-1)]))).toMatchObject({ _tag: "AdmissionRejected", reason: "queue-full" })
      yield* gate.open
      for (const each of sent) expect((yield* Fiber.join(each))._tag).toBe("Success")
      expect((yield* job.result).context.size(Num)).toBe(Limits.mailboxSignals)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("after convergence it fails with JobHalted", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(idle, {})
      yield* job.result
      expect(yield* failure(job.signal([num(1)]))).toMatchObject({
        _tag: "JobHalted",
        status: "converged",
        jobId: job.id
      })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("from within the program's output it fails with JobHalted: the mailbox has closed", () =>
    Effect.gen(function* () {
      let send: () => void = () => undefined
      const program = Program.make("sends", {
        signals: [Num],
        input: noInput,
        agents: [],
        kinds: [Num],
        output: () => send()
      })
      const holder = yield* Engine.start(stuck().program, {})
      const job = yield* Engine.start(program, {})
      const exits: Array<Exit.Exit<void, unknown>> = []
      const services = yield* Effect.context()
      send = () => Effect.runForkWith(services)(job.signal([num(1)])).addObserver((exit) => exits.push(exit))
      yield* holder.cancel
      const result = yield* job.result
      yield* until(() => exits.length > 0)
      // Either answer would be right; both at once, or none, would not.
      const isIn = result.context.size(Num) === 1
      expect(Exit.isSuccess(exits[0]!)).toBe(isIn)
    }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )

  it.effect("when the job fails, is exhausted or cancelled first, it fails with JobHalted and how", () =>
    Effect.gen(function* () {
      const ends: ReadonlyArray<
        readonly [
          string,
          (job: Pick<Job.Job<Program.Program.Any>, "actor" | "cancel">) => Effect.Effect<unknown>,
          Effect.Effect<unknown, unknown>
        ]
      > = [
        ["cancelled", (job) => job.cancel, Effect.void],
        ["cancelled", (job) => Effect.sync(() => job.actor.stop()), Effect.void],
        ["failed", () => Effect.void, Effect.fail("no")],
        ["budget-exhausted", () => Effect.void, Effect.void]
      ]
      for (const [status, end, work] of ends) {
        const gate = makeGate()
        const waits = Agent.make("waits", { execute: () => Effect.as(Effect.andThen(gate.arrive, work), {}) })
        const program = Program.make("ends", {
          signals: [Num],
          input: noInput,
          agents: [waits],
          kinds: [Num],
          budget: { maxCycles: 1 }
        })
        const job = yield* Engine.start(program, {})
        yield* gate.arrived
        const sent = yield* signalled(job.signal([num(1)]))
        yield* end(job)
        yield* gate.open
        expect(yield* Fiber.join(sent)).toMatchObject({ failure: { _tag: "JobHalted", status } })
        expect(yield* failure(job.result)).toMatchObject({ partial: { status, version: 0 } })
      }
    }).pipe(Effect.provide(engine()))
  )

  it.effect("interrupting it takes it back", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const kept = yield* signalled(job.signal([num(1)]))
      const taken = yield* signalled(job.signal([num(2)]))
      const last = yield* signalled(job.signal([num(3)]))
      yield* Fiber.interrupt(taken)
      yield* gate.open
      yield* Fiber.join(kept)
      yield* Fiber.join(last)
      expect((yield* job.result).context.facts().map(({ id }) => id)).toEqual(["1", "3"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a signal that crosses a budget ends the job, and is not in it", () =>
    Effect.gen(function* () {
      const { gate, program } = waiting({ budget: { maxFacts: 1 } })
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* Effect.forEach([1, 2, 3], (n) => signalled(job.signal([num(n)])))
      yield* gate.open
      expect((yield* Fiber.join(sent[0]!))._tag).toBe("Success")
      for (const late of sent.slice(1)) expect((yield* Fiber.join(late))._tag).toBe("Failure")
      const error = yield* failure(job.result)
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "facts", used: 1, limit: 1 })
      expect(error).not.toHaveProperty("spender", expect.any(String))
      expect(error.partial.context.facts().map(({ id }) => id)).toEqual(["1"])
    }).pipe(Effect.provide(engine()))
  )
})

describe("racing with convergence", () => {
  it.effect("a signal sent near the end is committed or refused, never lost", () =>
    Effect.gen(function* () {
      const count = { committed: 0, refused: 0 }
      for (let round = 0; round < 400; round++) {
        const job = yield* Engine.start(counter(round % 4, { before: () => turn }), {})
        const sent = yield* Effect.forEach([1000, 1001, 1002], (n) =>
          Effect.forkChild(Effect.andThen(turns((n + round) % 7), Effect.result(job.signal([num(n)]))), {
            startImmediately: true
          })
        )
        const answers = yield* Effect.forEach(sent, Fiber.join)
        const { context } = yield* job.result
        answers.forEach((answer, index) => {
          const isIn = context.find("Num", String(1000 + index)) !== undefined
          expect(answer._tag === "Success").toBe(isIn)
          if (answer._tag === "Failure") expect(answer.failure._tag).toBe("JobHalted")
          count[isIn ? "committed" : "refused"]++
        })
      }
      expect(count.committed).toBeGreaterThan(50)
      expect(count.refused).toBeGreaterThan(50)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a signal that arrives when the fixed point is about to be judged is merged first", () =>
    Effect.gen(function* () {
      const program = Program.make("last", {
        signals: [Num],
        input: noInput,
        agents: [],
        kinds: [Num],
        invariants: [Invariant.acceptance("some", (view) => view.size(Num) > 0 || "none")],
        output: (view) => view.size(Num)
      })
      const services = yield* Effect.context()
      const job = yield* Engine.start(program, {})
      const watching = job.actor.subscribe(({ value }) => {
        if (typeof value !== "object" || value.running !== "checking") return
        watching.unsubscribe()
        Effect.runForkWith(services)(Effect.ignore(job.signal([num(1)])))
      })
      expect(yield* job.result).toMatchObject({ status: "converged", output: 1 })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a signal sent from inside the last agent is always committed", () =>
    Effect.gen(function* () {
      for (let round = 0; round < 100; round++) {
        let signal: ((proposals: ReadonlyArray<ReturnType<typeof num>>) => Effect.Effect<void, unknown>) | undefined
        const sends = Agent.make("sends", {
          execute: () =>
            Effect.suspend(() => Effect.as(Effect.forkDetach(signal!([num(round)]), { startImmediately: true }), {}))
        })
        const program = Program.make("sends", { input: noInput, agents: [sends], signals: [Num] })
        const job = yield* Engine.start(program, {})
        signal = job.signal
        expect((yield* job.result).context.size(Num)).toBe(1)
      }
    }).pipe(Effect.provide(engine()))
  )

  it.effect("an agent that waits for its own signal would wait for ever: a timeout ends it", () =>
    Effect.gen(function* () {
      let signal: ((proposals: ReadonlyArray<ReturnType<typeof num>>) => Effect.Effect<void, unknown>) | undefined
      const sends = Agent.make("sends", {
        onFailure: discardAll,
        execute: () => Effect.as(Effect.orDie(Effect.suspend(() => signal!([num(1)]))), {}),
        timeout: "1 second"
      })
      const program = Program.make("sends", { input: noInput, agents: [sends], signals: [Num] })
      const job = yield* Engine.start(program, {})
      signal = job.signal
      yield* turns(10)
      expect(stateOf(job)).toBe("running.executing")
      yield* TestClock.adjust("1 second")
      const result = yield* job.result
      expect(result.diagnostics).toMatchObject([{ cause: { _tag: "AgentTimedOut", timeoutMs: 1_000 } }])
      // The timeout interrupted the wait, which took the signal back.
      expect(result.context.size(Num)).toBe(0)
    }).pipe(Effect.provide(engine()))
  )
})
