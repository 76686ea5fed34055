/**
 * `Testing.simulate`: programs that give the same in every order and through every fault, and each mistake by which they do not.
 */
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Agent, Budget, Engine, Fact, Fold, Intent, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Task = Fact.kind("Task", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Done = Fact.kind("Done", {
  schema: Schema.Struct({ id: Schema.String, by: Schema.Number }),
  id: ({ id }) => id
})
const Total = Fact.kind("Total", {
  schema: Schema.Struct({ id: Schema.String, sum: Schema.Number }),
  id: ({ id }) => id,
  conflict: "keepLast"
})
const Receipt = Fact.kind("Receipt", {
  schema: Schema.Struct({ order: Schema.String, number: Schema.Number }),
  id: ({ order }) => order
})
const Charge = Intent.kind("Charge", { payload: Schema.Struct({ order: Schema.String }), answers: [Receipt] })
const Left = Fact.kind("Left", { schema: Schema.Struct({ id: Schema.String, on: Schema.String }), id: ({ id }) => id })
const Right = Fact.kind("Right", {
  schema: Schema.Struct({ id: Schema.String, on: Schema.String }),
  id: ({ id }) => id
})

const Ids = Schema.Array(Schema.String)
const seed = (ids: ReadonlyArray<string>) => ids.map((id) => Task.of({ id }))
const input = ["a", "b", "c"]

/** A program whose agent does each task as `work` says. */
const tasks = <R = never>(
  work: (id: string) => Effect.Effect<number, never, R>,
  options: { readonly timeout?: "1 second"; readonly memoize?: boolean } = {}
) =>
  Program.make("tasks", {
    input: Ids,
    seed,
    agents: [
      Agent.make("work", {
        each: Task,
        writes: [Done],
        ...options,
        execute: ({ value: { id } }) => Effect.map(work(id), (by) => ({ facts: [Done.of({ id, by })] }))
      })
    ]
  })

/** Charges each order. */
const shop = Program.make("shop", {
  input: Ids,
  seed,
  agents: [
    Agent.make("charge", {
      each: Task,
      intents: [Charge],
      execute: ({ value: { id } }) => Effect.succeed({ intents: [Charge.of({ order: id })] })
    }),
    Agent.make("book", {
      each: Receipt,
      writes: [Done],
      execute: ({ value: { number, order } }) => Effect.succeed({ facts: [Done.of({ id: order, by: number })] })
    })
  ]
})

const charges = (number: (key: string) => Effect.Effect<number>) =>
  Engine.handler(
    Charge,
    ({ idempotencyKey, payload: { order } }) =>
      Effect.map(number(idempotencyKey), (found) => [Receipt.of({ order, number: found })]),
    { timeout: "5 seconds" }
  )

/** A bank that gives each charge a number that follows from its key. */
const bank = charges((key) => Effect.promise(() => Promise.resolve(key.length)))

const failed = <E>(checked: Effect.Effect<Testing.Simulated, E>) =>
  Effect.flatMap(Effect.flip(checked), (error) =>
    error instanceof Testing.SimulationFailed ? Effect.succeed(error) : Effect.die(error)
  )

describe("a program that goes by its facts", () => {
  it.effect("gives the same in each of 100 seeds, in which every fault that fits it is met", () =>
    Effect.gen(function* () {
      const counted = Program.make("counted", {
        module: import.meta.url,
        input: Ids,
        seed,
        agents: [
          Agent.cpu("measure", {
            each: Task,
            writes: [Done],
            execute: ({ value: { id } }) => ({ facts: [Done.of({ id, by: id.length })] })
          }),
          Agent.fold("total", {
            over: Done,
            by: () => "all",
            into: Total,
            aggregate: Fold.sum(Done, ({ by }) => by),
            as: (id, sum) => ({ id, sum })
          })
        ]
      })
      const report = yield* Testing.simulate(counted, { input })
      expect(report).toMatchObject({ program: "counted", status: "converged", waitsFor: [], seeds: 100 })
      expect(report.lives).toBeGreaterThan(150)
      expect(report.cancelled).toBeGreaterThan(0)
      const { faults } = report
      const unmet = Object.entries(faults).flatMap(([fault, count]) => (count === 0 ? [fault] : []))
      expect(unmet).toEqual(["late-answers", "repeated-answers", "missing-answers"])
    })
  )

  it.effect("may have agents and handlers that wait for promises, approvals, and faults of handlers", () =>
    Effect.gen(function* () {
      const careful = Program.make("careful", {
        input: Ids,
        seed,
        agents: [
          Agent.make("charge", {
            each: Task,
            intents: [Charge],
            execute: ({ value: { id } }) =>
              Effect.tryPromise(async () => {
                await Promise.resolve()
                const order = await new Promise<string>((resolve) => setImmediate(() => resolve(id)))
                return { intents: [Charge.of({ order }), Intent.approval({ id, timeout: "1 minute" })] }
              }).pipe(Effect.orDie)
          }),
          Agent.make("decided", {
            each: Intent.Decision,
            writes: [Done],
            execute: ({ value: { approval, approved } }) =>
              Effect.succeed({ facts: [Done.of({ id: approval, by: approved ? 1 : 0 })] })
          })
        ]
      })
      const report = yield* Testing.simulate(careful, { input, handlers: [bank] })
      expect(report).toMatchObject({ status: "converged", waitsFor: [], seeds: 100 })
      const { faults } = report
      for (const fault of ["late-answers", "repeated-answers", "missing-answers", "pauses"] as const)
        expect(faults[fault]).toBeGreaterThan(5)
    })
  )

  it.effect("may start jobs of its own program", () =>
    Effect.gen(function* () {
      const below = (n: number): ReturnType<typeof Intent.child> => Intent.child(halving, n, { id: "half" })
      const halving = Program.make("halving", {
        input: Schema.Finite,
        seed: (n) => [Total.of({ id: "n", sum: n })],
        agents: [
          Agent.make("halve", {
            each: Total,
            execute: ({ value: { sum } }) => Effect.succeed({ intents: sum < 1 ? [] : [below(Math.floor(sum / 2))] })
          })
        ]
      })
      const report = yield* Testing.simulate(halving, { input: 6, children: [halving], seeds: 45 })
      expect(report).toMatchObject({ status: "converged" })
      expect(report.faults.kills).toBeGreaterThan(20)
    })
  )

  it.effect("may start children, wait for retries and timeouts, and pay", () =>
    Effect.gen(function* () {
      const child = Program.make("child", {
        input: Schema.String,
        seed: (id) => [Task.of({ id })],
        agents: [
          Agent.make("work", {
            each: Task,
            writes: [Done],
            timeout: "1 hour",
            retry: Schedule.spaced("1 minute"),
            execute: ({ value: { id } }) =>
              Effect.gen(function* () {
                yield* Budget.reserve({ tokens: 10 })
                yield* Effect.sleep("2 minutes")
                yield* Budget.spend({ tokens: 7 })
                return { facts: [Done.of({ id, by: 1 })] }
              })
          }),
          Agent.make("vain", {
            each: Done,
            retry: Schedule.recurs(2),
            onFailure: "discard",
            execute: () => Effect.fail("never")
          })
        ]
      })
      const parent = Program.make("parent", {
        input: Ids,
        seed,
        agents: [
          Agent.make("spawn", {
            each: Task,
            execute: ({ value: { id } }) => Effect.succeed({ intents: [Intent.child(child, id, { id })] })
          }),
          Agent.make("collect", {
            each: Intent.ChildResult,
            writes: [Done],
            execute: ({ id }) => Effect.succeed({ facts: [Done.of({ id, by: 1 })] })
          })
        ]
      })
      const report = yield* Testing.simulate(parent, { input, children: [child], seeds: 25 })
      expect(report).toMatchObject({ status: "converged", seeds: 25 })
      const hanging = tasks(() => Effect.never, { timeout: "1 second" })
      const late = yield* Testing.simulate(hanging, { input, seeds: 15 })
      expect(late).toMatchObject({ status: "failed", seeds: 15 })
    })
  )

  it.effect("is compared where a budget ends it, and up to where a limit of time does", () =>
    Effect.gen(function* () {
      const endless = Program.make("endless", {
        input: Ids,
        seed,
        budget: { maxFacts: 7 },
        agents: [
          Agent.make("grow", {
            each: Task,
            writes: [Task],
            execute: ({ value: { id } }) => Effect.succeed({ facts: [Task.of({ id: `${id}x` })] })
          })
        ]
      })
      expect(yield* Testing.simulate(endless, { input, seeds: 15 })).toMatchObject({ status: "budget-exhausted" })
      const dear = Program.make("dear", {
        input: Ids,
        seed,
        budget: { maxTokens: 25 },
        agents: [
          Agent.make("pay", {
            each: Task,
            writes: [Done],
            execute: ({ value: { id } }) =>
              Effect.gen(function* () {
                yield* Budget.reserve({ tokens: 10 })
                yield* Effect.sleep(5)
                yield* Budget.spend({ tokens: 8 })
                return { facts: [Done.of({ id, by: 1 })] }
              })
          })
        ]
      })
      // An agent that runs again pays again: the budget may then end a job that it does not end otherwise.
      const paid = yield* Testing.simulate(dear, { input, faults: ["kills"], seeds: 40, budget: { maxTokens: 30 } })
      expect(paid).toMatchObject({ status: "converged", seeds: 40 })
      const broke = yield* Testing.simulate(dear, { input, seeds: 15, budget: { maxTokens: 20 } })
      expect(broke).toMatchObject({ status: "budget-exhausted", error: "BudgetExhausted" })
      const waiting = tasks(() => Effect.as(Effect.sleep("20 seconds"), 1))
      const report = yield* Testing.simulate(waiting, { input, seeds: 15, budget: { maxDuration: "30 seconds" } })
      expect(report).toMatchObject({ status: "converged" })
      expect(report.faults.load).toBeGreaterThan(0)
    })
  )

  it.effect("is compared as it rests, if nobody decides or performs", () =>
    Effect.gen(function* () {
      const asking = Program.make("asking", {
        input: Ids,
        seed,
        agents: [
          Agent.make("ask", {
            each: Task,
            execute: ({ id }) => Effect.succeed({ intents: [Intent.approval({ id, timeout: "1 second" })] })
          })
        ]
      })
      const report = yield* Testing.simulate(asking, { input: ["a", "b"], seeds: 15, decide: () => undefined })
      expect(report).toMatchObject({ status: "awaiting", waitsFor: ['the approval "a"', 'the approval "b"'] })
      const denied = yield* Testing.simulate(asking, { input: ["a", "b"], seeds: 15, decide: ({ id }) => id === "a" })
      expect(denied).toMatchObject({ status: "converged", waitsFor: [] })
    })
  )

  it.effect("has the services of a layer that is built in each life, and those of the caller", () => {
    class Count extends Context.Service<Count, { readonly next: Effect.Effect<number> }>()("Count") {}
    class Base extends Context.Service<Base, { readonly of: number }>()("Base") {}
    let built = 0
    const count = Layer.effect(
      Count,
      Effect.gen(function* () {
        const base = yield* Base
        built = yield* Effect.promise(() => Promise.resolve(built + 1))
        return { next: Effect.succeed(base.of) }
      })
    )
    const counting = tasks(() => Effect.flatMap(Count, ({ next }) => next))
    return Effect.gen(function* () {
      const report = yield* Testing.simulate(counting, { input, seeds: 20, layer: count })
      // The plain run has a life, too.
      expect(built).toBe(report.lives + 1)
      const broken = Layer.effect(Count, Effect.fail("no count" as const))
      expect(yield* Effect.flip(Testing.simulate(counting, { input, layer: broken }))).toBe("no count")
    }).pipe(Effect.provideService(Base, { of: 3 }))
  })

  it.effect("sees Effect's sleep, Clock and Random by virtual time and the seed", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const sleeping = tasks(() =>
        Effect.gen(function* () {
          const began = yield* Clock.currentTimeMillis
          yield* Effect.sleep("1 day")
          seen.push((yield* Clock.currentTimeMillis) - began)
          return 1
        })
      )
      yield* Testing.simulate(sleeping, { input, seeds: [1, 2], faults: [] })
      expect([...new Set(seen)]).toEqual([86_400_000])
      const drawing = tasks(() => Random.nextInt)
      const drawn = yield* failed(Testing.simulate(drawing, { input }))
      expect(drawn).toMatchObject({ agent: "work", happens: ["random numbers are others"] })
      const dated = tasks(() => Clock.currentTimeMillis)
      const found = yield* failed(Testing.simulate(dated, { input }))
      expect(found.happens).toEqual([expect.stringMatching(/^the clock shows a time \d+ days later$/)])
    })
  )
})

/** Where the first difference is. The first task of the first cycle differs, if all do. */
const atTaskA = {
  _tag: "SimulationFailed",
  program: "tasks",
  seed: 1,
  what: "journal",
  agent: "work",
  each: { kind: "Task", id: "a" },
  fact: { kind: "Done", id: "a" },
  cycle: 1
}

describe("a mistake of a program", () => {
  it.effect("is found: Math.random, also after an await", () =>
    Effect.gen(function* () {
      const work = () => Effect.promise(() => Promise.resolve().then(() => Math.random()))
      const found = yield* failed(Testing.simulate(tasks(work), { input }))
      expect(found).toMatchObject({ ...atTaskA, happens: ["random numbers are others"] })
      expect(found.message).toContain(`seed 1: agent "work" on Task/a gives two things, in Done/a in cycle 1`)
      expect(found.message).toContain("It goes by random numbers")
      expect(found.message).toContain("Run it again with Testing.simulate(program, { ..., seeds: [1] })")
    })
  )

  it.effect("is found: a clock of the process", () =>
    Effect.gen(function* () {
      const days = tasks(() => Effect.sync(() => Math.floor(new Date().getTime() / 86_400_000)))
      const found = yield* failed(Testing.simulate(days, { input }))
      expect(found).toMatchObject(atTaskA)
      expect(found.happens).toEqual([expect.stringMatching(/^the clock shows a time \d+ days later$/)])
      expect(found.message).toContain("It goes by the time")
      const now = yield* failed(
        Testing.simulate(
          tasks(() => Effect.sync(() => Date.now())),
          { input }
        )
      )
      expect(now).toMatchObject(atTaskA)
    })
  )

  it.effect("is found: state in the module that outlives a run", () =>
    Effect.gen(function* () {
      let count = 0
      const counting = tasks(() => Effect.sync(() => ++count))
      const found = yield* failed(Testing.simulate(counting, { input }))
      expect(found).toMatchObject({ ...atTaskA, happens: [] })
      expect(found.message).toContain("state that outlives a run")
      expect(found.message).toContain("It takes: nothing but a second run")
    })
  )

  it.effect("is found: an effect that depends on the order in which fibers go on", () =>
    Effect.gen(function* () {
      let place = 0
      const racing = tasks(() =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => place++ % 3)
        )
      )
      const found = yield* failed(Testing.simulate(racing, { input, faults: [] }))
      expect(found).toMatchObject({ _tag: "SimulationFailed", what: "journal", agent: "work", cycle: 1 })
      expect(found.happens).toEqual([`fibers and tasks that are ready go on in the order of seed ${found.seed}`])
      expect(found.message).toContain("the order in which tasks go on and end")
    })
  )

  it.effect("is found: a handler that is not idempotent under its key", () =>
    Effect.gen(function* () {
      let number = 0
      const careless = charges(() => Effect.sync(() => ++number % 1_000))
      const options = { input: ["a"], handlers: [careless], faults: ["repeated-answers" as const] }
      const found = yield* failed(Testing.simulate(shop, options))
      expect(found).toMatchObject({ what: "answer", agent: "charge", cycle: 1, fact: { kind: "Task", id: "a" } })
      expect(found.message).toContain(`the handler of "Charge" gives another answer when it gets the idempotency key`)
    })
  )

  it.effect("is found: an answer that is another one only for a call that is repeated", () =>
    Effect.gen(function* () {
      const calls = new Map<string, number>()
      /** Forgets a charge when another one comes, which is when a process died. */
      const forgetful = charges((key) =>
        Effect.sync(() => {
          const before = calls.get(key) ?? 0
          calls.set(key, before + 1)
          return before
        })
      )
      const fresh = Effect.suspend(() => {
        calls.clear()
        return Effect.void
      })
      const layer = Layer.effectDiscard(fresh)
      const options = { input: ["a"], handlers: [forgetful], layer }
      expect((yield* Testing.simulate(shop, { ...options, seeds: 40, faults: ["kills", "pauses"] })).seeds).toBe(40)
      const found = yield* failed(Testing.simulate(shop, { ...options, faults: ["repeated-answers"] }))
      expect(found).toMatchObject({ what: "answer", agent: "charge", expected: expect.stringContaining(`"number":0`) })
      expect(found.happens).toEqual(["call 1 of a handler is made twice, with the same idempotency key"])
    })
  )

  it.effect("is found: a handler that does something again, and gives the same answer", () =>
    Effect.gen(function* () {
      const letters: Array<string> = []
      const sent = new Set<string>()
      const writing = (isCareful: boolean) =>
        charges((key) =>
          Effect.sync(() => {
            if (!isCareful || !sent.has(key)) letters.push(key)
            sent.add(key)
            return 1
          })
        )
      const options = { input: ["a"], outside: Effect.sync(() => [...letters]) }
      const careful = yield* Testing.simulate(shop, { ...options, seeds: 40, handlers: [writing(true)] })
      expect([careful.seeds, letters.length]).toEqual([40, 1])
      const found = yield* failed(Testing.simulate(shop, { ...options, handlers: [writing(false)] }))
      expect(found).toMatchObject({ what: "outside", seed: 1 })
      expect(found.message).toContain("something was done again that was done before")
    })
  )

  it.effect("is found: half a join, by signals that come in another order", () =>
    Effect.gen(function* () {
      const options = { module: import.meta.url, input: Ids, signals: [Left, Right] }
      const half = Program.make("half", {
        ...options,
        agents: [
          Agent.make("meet", {
            each: Left,
            reads: [Right],
            writes: [Done],
            execute: ({ value: { id, on } }, view) =>
              Effect.succeed({
                facts: view.all(Right).flatMap((right) => (right.value.on === on ? [Done.of({ id, by: 1 })] : []))
              })
          })
        ]
      })
      const whole = Program.make("whole", {
        ...options,
        agents: [
          Agent.join("meet", {
            left: [Left, ({ on }) => on],
            right: [Right, ({ on }) => on],
            writes: [Done],
            execute: ({ value: { id } }) => ({ facts: [Done.of({ id, by: 1 })] })
          })
        ]
      })
      const signals = [
        Left.of({ id: "l1", on: "x" }),
        Right.of({ id: "r1", on: "x" }),
        Left.of({ id: "l2", on: "y" }),
        Right.of({ id: "r2", on: "y" })
      ]
      expect((yield* Testing.simulate(whole, { input: [], signals })).status).toBe("converged")
      const found = yield* failed(Testing.simulate(half, { input: [], signals }))
      expect(found).toMatchObject({ what: "facts", agent: "meet", fact: { kind: "Done" }, found: undefined })
      expect(found.message).toContain("The agent is half a join")
      expect(found.happens).toEqual([expect.stringMatching(/^Right\/r\d arrives at step \d+/)])
    })
  )

  it.effect("is found: a timeout that is too short under load", () =>
    Effect.gen(function* () {
      const close = tasks(() => Effect.as(Effect.sleep(400), 1), { timeout: "1 second" })
      const found = yield* failed(Testing.simulate(close, { input }))
      expect(found).toMatchObject({ what: "end", agent: "work", expected: "converged", found: "AgentTimedOut" })
      expect(found.happens).toEqual([expect.stringMatching(/^agents and handlers wait [34] times as long$/)])
      expect(found.message).toContain("too short for a machine under load")
      const roomy = tasks(() => Effect.as(Effect.sleep(200), 1), { timeout: "1 second" })
      expect((yield* Testing.simulate(roomy, { input })).faults.load).toBeGreaterThan(0)
    })
  )

  it.effect("is found: an agent that does not give the same again when its process has died", () =>
    Effect.gen(function* () {
      let runs = 0
      class Attempt extends Context.Service<Attempt, { readonly number: number }>()("Attempt") {}
      // The first life of each run is told from the others.
      const attempt = Layer.sync(Attempt, () => ({ number: runs++ }))
      const program = tasks(() => Effect.map(Attempt, ({ number }) => (number === 0 ? 0 : 1)))
      const fresh = {
        input,
        layer: Layer.unwrap(Effect.sync(() => attempt)),
        faults: ["kills" as const]
      }
      const found = yield* failed(Testing.simulate(program, fresh))
      expect(found).toMatchObject({ agent: "work", what: "journal" })
    })
  )
})

describe("something outside of the simulation", () => {
  const waits = (work: () => Promise<number>) =>
    Effect.flip(
      Testing.simulate(
        tasks(() => Effect.promise(work)),
        { input: ["a"], seeds: 1 }
      )
    )

  it.effect("ends the check, and the agent that waits for it is named", () =>
    Effect.gen(function* () {
      const timer = yield* waits(() => new Promise((resolve) => void setInterval(() => resolve(1), 1_000).unref()))
      expect(timer).toMatchObject({ _tag: "WaitsOutside", program: "tasks", agent: "work", seed: undefined })
      expect(timer.message).toMatch(
        /^agent "work" on Task\/a waits for a timer of the process .*, which is not in the simulation\. Give it a stand-in/
      )
      const file = yield* waits(async () => (await readFile(import.meta.filename)).length)
      expect(file).toMatchObject({ _tag: "WaitsOutside", agent: "work", waitsFor: "a file" })
      const network = yield* waits(async () => (await fetch("http://127.0.0.1:59999/")).status)
      expect(network).toMatchObject({ _tag: "WaitsOutside", agent: "work", waitsFor: "the network" })
      const digest = yield* waits(async () => (await crypto.subtle.digest("SHA-256", new Uint8Array(1))).byteLength)
      expect(digest).toMatchObject({ agent: "work", waitsFor: expect.stringContaining("work on another thread") })
      const nothing = yield* waits(() => new Promise(() => undefined))
      expect(nothing).toMatchObject({
        _tag: "WaitsOutside",
        agent: "work",
        waitsFor: "something that nothing in the simulation gives"
      })
    })
  )

  it.effect("is named for a handler and for the layer, too", () =>
    Effect.gen(function* () {
      const outside = Effect.promise(() => readFile(import.meta.filename, "utf8"))
      const handler = charges(() => Effect.map(outside, ({ length }) => length))
      const handled = yield* Effect.flip(Testing.simulate(shop, { input: ["a"], handlers: [handler] }))
      expect(handled).toMatchObject({ _tag: "WaitsOutside", agent: "charge" })
      expect(handled.message).toContain(`the handler of "Charge", for an intent of agent "charge", waits for a file`)
      const layer = Layer.effectDiscard(outside)
      const layered = yield* Effect.flip(
        Testing.simulate(
          tasks(() => Effect.succeed(1)),
          { input, layer }
        )
      )
      expect(layered.message).toMatch(/^the layer waits for a file/)
    })
  )

  it.effect("is no obstacle where it was called off, or where the work needs none", () =>
    Effect.gen(function* () {
      const guarded = tasks(() =>
        Effect.promise(async () => {
          const guard = setTimeout(() => undefined, 60_000)
          const hash = await Promise.resolve(createHash("sha256").update("x").digest("hex"))
          clearTimeout(guard)
          return hash.length
        })
      )
      expect((yield* Testing.simulate(guarded, { input, seeds: 10 })).status).toBe("converged")
    })
  )

  it.effect("has answers from a script or a recording", () =>
    Effect.gen(function* () {
      const program = tasks(() => Effect.promise(async () => (await fetch("http://127.0.0.1:59999/")).status))
      const recording: Testing.Recording = yield* Effect.gen(function* () {
        const answered = tasks(() => Effect.succeed(200))
        const job = yield* Testing.start(answered, ["a"], { id: "before" })
        yield* job.result
        return yield* Testing.recording("before")
      }).pipe(Effect.provide(Testing.layer()), Effect.orDie)
      const recorded = Testing.recorded(program, recording)
      const report = yield* Testing.simulate(recorded.program, { input: ["a"], seeds: 20 })
      expect(report.status).toBe("converged")
    })
  )
})

describe("a report", () => {
  const racing = () => {
    const turns: Array<string> = []
    return tasks((id) =>
      Effect.gen(function* () {
        turns.push(id)
        yield* Effect.yieldNow
        return turns.lastIndexOf(id) + Date.now() + Math.random()
      })
    )
  }

  it.effect("is the same, byte for byte, for the same seed", () =>
    Effect.gen(function* () {
      const dated = tasks(() => Effect.promise(() => Promise.resolve(Date.now() + Math.random())))
      const first = yield* failed(Testing.simulate(dated, { input, seeds: [77] }))
      const second = yield* failed(Testing.simulate(dated, { input, seeds: [77] }))
      expect(JSON.stringify(second)).toBe(JSON.stringify(first))
      expect(first.seed).toBe(77)
      const fine = tasks(() => Effect.succeed(1))
      const [one, other] = [
        yield* Testing.simulate(fine, { input, seeds: 15 }),
        yield* Testing.simulate(fine, { input, seeds: 15 })
      ]
      expect(JSON.stringify(other)).toBe(JSON.stringify(one))
    })
  )

  it.effect("of a seed alone is that of the seed among others", () =>
    Effect.gen(function* () {
      const close = tasks(() => Effect.as(Effect.sleep(400), 1), { timeout: "1 second" })
      const among = yield* failed(Testing.simulate(close, { input, seeds: 100 }))
      expect(among.seed).toBeGreaterThan(1)
      const alone = yield* failed(Testing.simulate(close, { input, seeds: [among.seed ?? 0] }))
      expect(JSON.stringify(alone)).toBe(JSON.stringify(among))
    })
  )

  it.effect("does not depend on another simulation at the same time", () =>
    Effect.gen(function* () {
      const dated = tasks(() => Effect.promise(() => Promise.resolve(Date.now() + Math.random())))
      const check = failed(Testing.simulate(dated, { input, seeds: [5] }))
      const alone = yield* check
      const together = yield* Effect.all([check, check, check], { concurrency: "unbounded" })
      for (const found of together) expect(JSON.stringify(found)).toBe(JSON.stringify(alone))
    })
  )

  it.effect("has faults only of those that were asked for", () =>
    Effect.gen(function* () {
      const { faults, lives } = yield* Testing.simulate(shop, { input, handlers: [bank], faults: ["kills"] })
      const met = Object.entries(faults).flatMap(([fault, count]) => (count > 0 ? [fault] : []))
      expect(met).toEqual(["kills"])
      expect(lives).toBe(100 + faults.kills)
      const calm = yield* Testing.simulate(shop, { input, handlers: [bank], faults: false })
      expect(calm.lives).toBe(100)
    })
  )

  it.effect("leaves Date and Math.random of other code alone, and as they were", () =>
    Effect.gen(function* () {
      const [before, random] = [Date, Math.random]
      const real: Array<number> = []
      const watching = Effect.forever(
        Effect.andThen(
          Effect.sync(() => real.push(Date.now())),
          Effect.yieldNow
        )
      )
      const simulated = Testing.simulate(
        tasks(() => Effect.promise(() => Promise.resolve(1))),
        { input, seeds: 10 }
      )
      yield* Effect.raceFirst(simulated, watching)
      yield* Effect.exit(Testing.simulate(racing(), { input, seeds: 5 }))
      expect(Math.min(...real)).toBeGreaterThan(Date.now() - 60_000)
      expect(Math.max(...real)).toBeLessThanOrEqual(Date.now())
      expect([Date, Math.random]).toEqual([before, random])
    })
  )
})

describe("options that cannot work", () => {
  const fine = tasks(() => Effect.succeed(1))
  const refused = (options: object) => Effect.flip(Testing.simulate(fine, { input, ...options }))

  it.effect("are refused, with the ones that can", () =>
    Effect.gen(function* () {
      expect(yield* refused({ faults: ["kill"] })).toMatchObject({
        _tag: "InvalidOptions",
        option: "faults",
        message: `Testing.simulate: faults: there is no fault "kill"; did you mean "kills"?`
      })
      for (const seeds of [0, -1, 1.5, [], [-1], ["1"]])
        expect(yield* refused({ seeds })).toMatchObject({ _tag: "InvalidOptions", option: "seeds" })
      expect(yield* refused({ signal: [] })).toMatchObject({
        message: expect.stringContaining(`did you mean "signals"`)
      })
      expect(yield* refused({ signals: [Task.of({ id: "x" })] })).toMatchObject({ option: "signals[0]" })
      expect(yield* refused({ budget: { maxFacts: -1 } })).toMatchObject({ _tag: "InvalidInput" })
      expect(yield* refused({ input: 3 })).toMatchObject({ _tag: "InvalidInput" })
    })
  )

  it("does not compile without an input, or with signals that the program does not take", () => {
    // @ts-expect-error the program needs an input
    expect(Testing.simulate(fine, {})).toBeDefined()
    // @ts-expect-error the program takes no signals
    expect(Testing.simulate(fine, { input, signals: [Task.of({ id: "x" })] })).toBeDefined()
    // @ts-expect-error there is no such fault
    expect(Testing.simulate(fine, { input, faults: ["kill"] })).toBeDefined()
  })
})
