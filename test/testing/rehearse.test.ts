/**
 * Rehearsals of all sorts of stored jobs: forks, parents and their children, and jobs that stopped for a reason outside; and the
 * intents that new code gives otherwise.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Budget, Engine, Fact, Intent, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Order = Fact.kind("Order", {
  schema: Schema.Struct({ id: Schema.String, items: Schema.Number }),
  id: ({ id }) => id,
  conflict: "keepLast"
})
const Price = Fact.kind("Price", {
  schema: Schema.Struct({ order: Schema.String, cents: Schema.Number }),
  id: ({ order }) => order,
  conflict: "keepLast"
})
const Stock = Fact.kind("Stock", {
  schema: Schema.Struct({ order: Schema.String, left: Schema.Number }),
  id: ({ order }) => order
})
const Receipt = Fact.kind("Receipt", { schema: Schema.Struct({ order: Schema.String }), id: ({ order }) => order })
const Charge = Intent.kind("Charge", {
  payload: Schema.Struct({ order: Schema.String, cents: Schema.Number }),
  answers: [Receipt]
})

interface Version {
  /** The price of an item. */
  readonly cents?: number
  readonly asks?: boolean
  readonly version?: string
  readonly migrate?: NonNullable<Parameters<typeof Program.make>[1]["migrate"]>
}

let looked: Array<string> = []

/** Prices orders, looks into the warehouse, and charges what is there. */
const shop = ({ asks = false, cents = 100, migrate, version = "" }: Version = {}) =>
  Program.make("shop", {
    module: import.meta.url,
    version,
    ...(migrate === undefined ? {} : { migrate }),
    input: Schema.Record(Schema.String, Schema.Number),
    seed: (orders) => Object.entries(orders).map(([id, items]) => Order.of({ id, items })),
    signals: [Order],
    agents: [
      Agent.cpu("price", {
        each: Order,
        writes: [Price],
        placement: "inline",
        execute: ({ value: { id, items } }) => ({ facts: [Price.of({ order: id, cents: items * cents })] })
      }),
      Agent.make("look", {
        each: Order,
        writes: [Stock],
        execute: ({ value: { id } }) =>
          Effect.sync(() => {
            looked.push(id)
            return looked.filter((other) => other === id).length > 1
              ? {}
              : { facts: [Stock.of({ order: id, left: 1 })] }
          })
      }),
      Agent.cpu("charge", {
        each: Price,
        intents: [Charge],
        placement: "inline",
        execute: ({ value }) => ({
          intents: [
            asks ? Intent.approval({ id: value.order, timeout: "1 hour", onTimeout: "halt" }) : Charge.of(value)
          ]
        })
      })
    ],
    output: (view) => view.all(Receipt).length
  })

const bank = Engine.handler(Charge, ({ payload }) => Effect.succeed([Receipt.of({ order: payload.order })]))
const withBank = Effect.provide(Testing.layer({ handlers: [bank] }))

/** A recording as it comes out of a file. */
const recorded = (jobId: string) =>
  Effect.map(Testing.recording(jobId), (recording) => JSON.parse(JSON.stringify(recording)) as Testing.Recording)

const first = shop()
const orders = { a: 1, b: 2 }

const begun = <A, E, R>(use: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    looked = []
    return use
  })

describe("a rehearsal", () => {
  it.effect("tells which intents come out otherwise: whom new code charges how much", () =>
    Effect.gen(function* () {
      yield* begun(Engine.run(first, orders, { id: "today" }))
      const recording = yield* recorded("today")
      const { jobs } = yield* Testing.rehearse(shop({ cents: 90 }), [recording])
      const charge = { what: "changed", intent: "Charge", agent: "charge", cycle: 2 }
      expect(jobs[0]).toMatchObject({
        isOtherwise: true,
        intents: [
          { ...charge, each: { kind: "Price", id: "a" }, before: { cents: 100 }, after: { cents: 90 } },
          { ...charge, each: { kind: "Price", id: "b" }, before: { cents: 200 }, after: { cents: 180 } }
        ]
      })
      const asking = yield* Testing.rehearse(shop({ asks: true }), [recording])
      expect(asking.jobs[0]?.intents.map(({ intent, what }) => `${what} ${intent}`)).toEqual([
        "added Approval",
        "added Approval",
        "missing Charge",
        "missing Charge"
      ])
    }).pipe(withBank)
  )

  it.effect("begins a fork with the context of the other job, and with its changed facts", () =>
    Effect.gen(function* () {
      yield* begun(Engine.run(first, orders, { id: "today" }))
      const fork = yield* Engine.fork(first, "today", { id: "what-if", facts: [Order.of({ id: "b", items: 5 })] })
      const { hash, output } = yield* fork.result
      expect(output).toBe(2)
      const recording = yield* recorded("what-if")
      looked = []
      const same = yield* Testing.rehearse(first, [recording])
      expect(same.jobs[0]).toMatchObject({ isOtherwise: false, isSame: true, intents: [] })
      expect(same.jobs[0]?.notes).toEqual([
        "the job began with the context of another one: its first facts are the recorded ones"
      ])
      const { jobs } = yield* Testing.rehearse(shop({ cents: 90 }), [recording])
      // The new price is only of the changed order: the fork did not price the others.
      expect(jobs[0]?.facts).toMatchObject([
        {
          what: "changed",
          fact: { kind: "Price", id: "b" },
          agent: "price",
          before: { cents: 500 },
          after: { cents: 450 }
        }
      ])
      expect(looked).toEqual([])
      const run = yield* Testing.runCase(
        first,
        yield* Testing.decodeCase(JSON.parse(JSON.stringify(Testing.caseOf(recording))))
      )
      expect(run).toMatchObject({ isSame: true, hash })
    }).pipe(withBank)
  )

  it.effect("converts the facts of a fork as the program's migrate says, and tells of a program that cannot", () =>
    Effect.gen(function* () {
      yield* begun(Engine.run(first, { a: 1 }, { id: "today" }))
      const fork = yield* Engine.fork(first, "today", { id: "what-if", facts: [Order.of({ id: "c", items: 3 })] })
      yield* fork.result
      const recording = yield* recorded("what-if")
      const Shelf = Fact.kind("Stock", {
        schema: Schema.Struct({ order: Schema.String, left: Schema.Number, shelf: Schema.String }),
        id: ({ order }) => order
      })
      const next = (migrate?: Version["migrate"]) =>
        Program.make("shop", {
          version: "2",
          ...(migrate === undefined ? {} : { migrate }),
          input: Schema.Record(Schema.String, Schema.Number),
          agents: [
            Agent.make("look", { each: Order, writes: [Shelf], execute: () => Effect.succeed({}) }),
            Agent.make("price", { each: Order, writes: [Price], execute: () => Effect.succeed({}) }),
            Agent.make("charge", { each: Price, intents: [Charge], execute: () => Effect.succeed({}) })
          ]
        })
      const refused = yield* Testing.rehearse(next(), [recording])
      expect(refused.jobs[0]).toMatchObject({ after: "ProgramChanged", isOtherwise: true })
      const migrated = yield* Testing.rehearse(
        next((fact) => (fact.kind === "Stock" ? { ...fact, value: { ...(fact.value as object), shelf: "?" } } : fact)),
        [recording]
      )
      expect(migrated.jobs[0]).toMatchObject({
        after: "converged",
        facts: expect.arrayContaining([
          expect.objectContaining({ what: "changed", after: { order: "a", left: 1, shelf: "?" } })
        ]),
        unanswered: [{ agent: "look", each: { kind: "Order", id: "c" }, cycle: 1 }]
      })
      expect(migrated.jobs[0]?.unanswered[0]?.why).toContain("has a recorded answer that does not fit the program")
      expect(migrated.jobs[0]?.notes).toContain(`the job is of no version, and the program is of version "2"`)
    }).pipe(withBank)
  )

  it.effect("skips what it cannot begin, and says why", () =>
    Effect.gen(function* () {
      yield* begun(Engine.run(first, orders, { id: "today" }))
      const recording = yield* recorded("today")
      const { jobs, skipped } = yield* Testing.rehearse(first, [
        { ...recording, context: "00" },
        { ...recording, jobId: "other", program: "other" },
        recording
      ])
      expect(jobs.map(({ jobId, isSame }) => [jobId, isSame])).toEqual([["today", true]])
      expect(skipped).toEqual([
        {
          jobId: "today",
          program: "shop",
          why: "it began with the context of another job, which the recording does not have: record it again"
        },
        { jobId: "other", program: "other", why: "it is a job of another program" }
      ])
    }).pipe(withBank)
  )

  it.effect("keeps the limits of the job, so that one with a smaller budget ends as it did", () =>
    Effect.gen(function* () {
      yield* begun(Effect.flip(Engine.run(first, orders, { id: "poor", budget: { maxFacts: 3 } })))
      const { jobs } = yield* Testing.rehearse(first, [yield* recorded("poor")])
      expect(jobs[0]).toMatchObject({ before: "BudgetExhausted", after: "BudgetExhausted", isOtherwise: false })
      expect(jobs[0]?.notes).toEqual([
        `the effect of agent "look" that ended the job is in no journal: it is compared up to cycle 1`,
        `agent "look" on Order/a was discarded (BudgetExhausted), and no journal has its effect: it adds nothing here`,
        `agent "look" on Order/b was discarded (BudgetExhausted), and no journal has its effect: it adds nothing here`
      ])
    }).pipe(withBank)
  )

  it.effect("tells which fiber agents answered for a fact that has another value now", () =>
    Effect.gen(function* () {
      yield* begun(Engine.run(version(10), ["a", "b"], { id: "stale" }))
      const { jobs } = yield* Testing.rehearse(version(20), [yield* recorded("stale")])
      expect(jobs[0]?.facts.map(({ fact }) => fact.id)).toEqual(["a"])
      expect(jobs[0]?.notes).toEqual([`tasks answer as recorded, for another value of their fact: "write" on Price/a`])
    }).pipe(withBank)
  )
})

/** Prices "a" as it says. */
const version = (cents: number) =>
  Program.make("writing", {
    module: import.meta.url,
    input: Schema.Array(Schema.String),
    seed: (ids) => ids.map((id) => Order.of({ id, items: 1 })),
    agents: [
      Agent.cpu("price", {
        each: Order,
        writes: [Price],
        placement: "inline",
        execute: ({ id }) => ({ facts: [Price.of({ order: id, cents: id === "a" ? cents : 1 })] })
      }),
      Agent.make("write", {
        each: Price,
        writes: [Receipt],
        execute: ({ id }) => Effect.succeed({ facts: [Receipt.of({ order: id })] })
      })
    ]
  })

describe("a rehearsal of a job that stopped for a reason outside", () => {
  /** A job that asks, and waits. */
  const asking = shop({ asks: true })

  it.effect("compares an unfinished job up to its last cycle", () =>
    Effect.gen(function* () {
      const job = yield* begun(Testing.start(asking, orders, { id: "open" }))
      yield* job.until("awaiting")
      const recording = yield* recorded("open")
      const same = yield* Testing.rehearse(asking, [recording])
      expect(same.jobs[0]).toMatchObject({
        before: "unfinished",
        after: "unfinished",
        isOtherwise: false,
        isSame: true,
        notes: ["the job has not ended: it is compared up to cycle 2"]
      })
      const { jobs } = yield* Testing.rehearse(shop({ asks: true, cents: 90 }), [recording])
      expect(jobs[0]).toMatchObject({
        isOtherwise: true,
        unanswered: [],
        facts: [{ what: "changed" }, { what: "changed" }]
      })
    }).pipe(withBank)
  )

  it.effect("compares a job whose handler had not answered yet, and one that stopped in the middle", () =>
    Effect.gen(function* () {
      const job = yield* begun(Testing.start(first, orders, { id: "slow" }))
      yield* job.until("awaiting")
      const recording = yield* recorded("slow")
      expect(recording).toMatchObject({ cycles: 2, handled: ["Charge"], answers: [] })
      const middle = {
        ...recording,
        cycles: 1,
        hash: "",
        tasks: recording.tasks.filter(({ cycle }) => cycle === 1),
        handled: []
      }
      const { jobs } = yield* Testing.rehearse(first, [recording, middle])
      expect(jobs.map(({ after, facts, intents, unanswered }) => [after, facts, intents, unanswered])).toEqual([
        ["unfinished", [], [], []],
        ["unfinished", [], [], []]
      ])
      expect(jobs[0]?.isSame).toBe(true)
    }).pipe(Effect.provide(Testing.layer({ handlers: [Engine.handler(Charge, () => Effect.never)] })))
  )

  it.effect("compares a cancelled job up to its last cycle, also as a case", () =>
    Effect.gen(function* () {
      const job = yield* begun(Testing.start(asking, orders, { id: "gone" }))
      yield* job.until("awaiting")
      yield* job.cancel
      const recording = yield* recorded("gone")
      const { jobs } = yield* Testing.rehearse(asking, [recording])
      expect(jobs[0]).toMatchObject({
        before: "JobCancelled",
        after: "JobCancelled",
        isOtherwise: false,
        isSame: true,
        notes: ["the job was cancelled: it is compared up to cycle 2"]
      })
      expect(yield* Testing.runCase(asking, Testing.caseOf(recording))).toMatchObject({ isSame: true })
    }).pipe(withBank)
  )

  it.effect("compares a job that nobody decided in time, and one whose money was spent", () =>
    Effect.gen(function* () {
      const job = yield* begun(Testing.start(asking, { a: 1 }, { id: "late" }))
      yield* job.until("awaiting")
      const ended = yield* Effect.forkChild(Effect.flip(job.result))
      yield* TestClock.adjust("2 hours")
      expect(yield* Fiber.join(ended)).toMatchObject({ _tag: "IntentFailed" })
      const spending = Program.make("spending", {
        input: Schema.Array(Schema.String),
        seed: (ids) => ids.map((id) => Order.of({ id, items: 1 })),
        agents: [
          Agent.make("look", {
            each: Order,
            writes: [Stock],
            concurrency: 1,
            execute: ({ id }) => Effect.as(Budget.spend({ cost: 6 }), { facts: [Stock.of({ order: id, left: 1 })] })
          }),
          Agent.make("again", {
            each: Stock,
            writes: [Receipt],
            execute: ({ id }) => Effect.as(Budget.spend({ cost: 6 }), { facts: [Receipt.of({ order: id })] })
          })
        ]
      })
      const spent = yield* Effect.flip(Engine.run(spending, ["a"], { id: "spent", budget: { maxCost: 10 } }))
      expect(spent).toMatchObject({ _tag: "BudgetExhausted", budget: "cost" })
      const late = yield* Testing.rehearse(asking, [yield* recorded("late")])
      expect(late.jobs[0]).toMatchObject({ before: "IntentFailed", after: "IntentFailed", isOtherwise: false })
      expect(late.jobs[0]?.notes[0]).toContain("nobody decided in time")
      const { jobs } = yield* Testing.rehearse(spending, [yield* recorded("spent")])
      expect(jobs[0]).toMatchObject({ before: "BudgetExhausted", after: "BudgetExhausted", isOtherwise: false })
      expect(jobs[0]?.notes[0]).toContain("its budget of cost ended the job")
    }).pipe(withBank)
  )

  it.effect("tells of a quarantine, and of an unfinished job that new code makes fail", () =>
    Effect.gen(function* () {
      const job = yield* begun(Testing.start(asking, orders, { id: "open" }))
      yield* job.until("awaiting")
      const recording = { ...(yield* recorded("open")), quarantine: "its process died 5 times" }
      const failing = Program.make("shop", {
        module: import.meta.url,
        input: Schema.Record(Schema.String, Schema.Number),
        seed: (given) => Object.entries(given).map(([id, items]) => Order.of({ id, items })),
        agents: [
          Agent.cpu("price", {
            each: Order,
            placement: "inline",
            execute: () => {
              throw new Error("no price")
            }
          })
        ]
      })
      const { jobs } = yield* Testing.rehearse(failing, [recording])
      expect(jobs[0]).toMatchObject({ before: "unfinished", after: "AgentPanicked", isOtherwise: true })
      expect(jobs[0]?.notes).toEqual([
        "the job is quarantined (its process died 5 times): it is compared up to cycle 2"
      ])
    }).pipe(withBank)
  )
})

describe("a rehearsal of a parent", () => {
  const Part = Fact.kind("Part", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
  const Made = Fact.kind("Made", {
    schema: Schema.Struct({ part: Schema.String, by: Schema.String }),
    id: ({ part }) => part
  })
  let made = 0
  const making = (by: string) =>
    Program.make("making", {
      module: import.meta.url,
      input: Schema.String,
      seed: (id) => [Part.of({ id })],
      agents: [
        Agent.make("make", {
          each: Part,
          writes: [Made],
          execute: ({ id }) =>
            Effect.sync(() => {
              made++
              return { facts: [Made.of({ part: id, by: `hand ${id.length}` })] }
            })
        }),
        Agent.cpu("sign", {
          each: Made,
          writes: [Receipt],
          placement: "inline",
          execute: ({ id }) => ({ facts: [Receipt.of({ order: `${id} ${by}` })] })
        })
      ],
      output: (view) => view.all(Made).map(({ value }) => value.by)
    })
  const assembly = (child: ReturnType<typeof making>, isLate = false) =>
    Program.make("assembly", {
      module: import.meta.url,
      input: Schema.Array(Schema.String),
      seed: (ids) => ids.map((id) => (isLate ? Order.of({ id, items: 1 }) : Part.of({ id }))),
      agents: [
        Agent.cpu("sort", {
          each: Order,
          writes: [Part],
          placement: "inline",
          execute: ({ id }) => ({ facts: [Part.of({ id })] })
        }),
        Agent.cpu("ask", {
          each: Part,
          placement: "inline",
          execute: ({ id }) => ({ intents: [Intent.child(child, id)] })
        })
      ],
      output: (view) => view.all(Intent.ChildResult).map(({ value }) => value.output)
    })
  const maker = making("Ada")
  const parts = ["wheel", "axle"]

  const record = Effect.gen(function* () {
    made = 0
    const { hash, output } = yield* Engine.run(assembly(maker), parts, { id: "car" })
    expect([output, made]).toEqual([[["hand 5"], ["hand 4"]], 2])
    const child = yield* recorded(`car/1/ask/"Part"/wheel/0`)
    return { hash, output, parent: yield* recorded("car"), child }
  }).pipe(Effect.provide(Testing.layer({ children: [maker] })))

  it.effect("gives it the recorded results of its children, and runs none", () =>
    Effect.gen(function* () {
      const { hash, output, parent } = yield* record
      const { jobs } = yield* Testing.rehearse(assembly(maker), [parent])
      expect(jobs[0]).toMatchObject({ isSame: true, isOtherwise: false, notes: ["2 child jobs answer as recorded"] })
      const { handlers, program } = Testing.recorded(assembly(maker), parent)
      const again = yield* Effect.provide(Engine.run(program, parts), Testing.layer({ handlers }))
      expect([again.hash, again.output, made]).toEqual([hash, output, 2])
    })
  )

  it.effect("gives the same results though new code asks for the children in another cycle", () =>
    Effect.gen(function* () {
      const { parent } = yield* record
      const { jobs } = yield* Testing.rehearse(assembly(maker, true), [parent])
      expect(jobs[0]).toMatchObject({ after: "converged", intents: [], unanswered: [] })
      const kinds = new Set(jobs[0]?.facts.map(({ fact, what }) => `${what} ${fact.kind}`))
      // The children have no ids, so they are known by the cycle in which they were asked for.
      expect(kinds).toEqual(new Set(["added Order", "added ChildResult", "missing ChildResult"]))
      expect(made).toBe(2)
    })
  )

  it.effect("rehearses its children as jobs of their own", () =>
    Effect.gen(function* () {
      const { child, parent } = yield* record
      const next = making("Eve")
      const { jobs, skipped } = yield* Testing.rehearse(assembly(next), [parent, child], { children: [next] })
      expect(skipped).toEqual([])
      expect(jobs.map(({ isOtherwise, program }) => [program, isOtherwise])).toEqual([
        ["assembly", false],
        ["making", true]
      ])
      expect(jobs[1]?.facts.map(({ fact, what }) => [what, fact.id])).toEqual([
        ["added", "wheel Eve"],
        ["missing", "wheel Ada"]
      ])
      expect((yield* Testing.rehearse(assembly(next), [child])).skipped).toMatchObject([{ program: "making" }])
    })
  )

  it.effect("says which child has no recorded result", () =>
    Effect.gen(function* () {
      const { parent } = yield* record
      const { jobs } = yield* Testing.rehearse(assembly(maker), [{ ...parent, input: [...parts, "seat"] }])
      expect(jobs[0]?.unanswered.map(({ intent, why }) => [intent, why])).toContainEqual([
        "ChildJob",
        `the intent ChildJob of agent "ask" on Part/seat has no recorded answer`
      ])
    })
  )
})

describe("a rehearsal of a job that went on with another version", () => {
  it.effect("begins at its beginning, and says so", () =>
    Effect.gen(function* () {
      const job = yield* begun(Testing.start(shop({ asks: true, version: "1" }), { a: 1 }, { id: "moved" }))
      yield* job.until("awaiting")
      yield* Testing.kill
      const next = shop({ asks: true, version: "2" })
      const again = yield* Engine.resume(next, "moved")
      yield* again.until("awaiting")
      yield* again.signal([Intent.Decision.of({ approval: "a", approved: true, by: "Ada", reason: "" })])
      yield* again.result
      const recording = yield* recorded("moved")
      expect(recording).toMatchObject({ version: "2", earlier: [{ version: "1", until: 2 }] })
      const { jobs } = yield* Testing.rehearse(next, [recording])
      expect(jobs[0]).toMatchObject({
        isOtherwise: false,
        notes: [`another version went on after cycle 2, from version "1": it is rehearsed from its beginning`]
      })
    }).pipe(withBank)
  )
})
