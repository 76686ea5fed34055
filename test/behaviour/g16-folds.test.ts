/** G16: folds. A total is that of the facts of its group, whatever arrived, was revised or was pruned. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import {
  Agent,
  Engine,
  Fact,
  Fold,
  Invariant,
  type JobContext,
  Program,
  Provenance,
  WorkerPool
} from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { Cell, ended, Entry, noInput, Num, nums } from "../support/behaviour/harness.ts"
import { Count, folded, Least, Most, Own, Sale, Sum } from "../support/behaviour/folded.ts"
import { randomOf } from "../support/core/random.ts"
import { comparable, engineOn, runInline, runToEnd } from "../support/core/run.ts"

/** The exact sum, rounded once: as a fraction of whole numbers. */
const exactly = (amounts: ReadonlyArray<number>): number => {
  const unit = 2n ** 80n
  const sum = amounts.reduce((total, amount) => total + BigInt(amount * 2 ** 60) * (unit / 2n ** 60n), 0n)
  return Number(sum) / Number(unit)
}

/** Every customer that ever had a sale keeps a total. */
const expectFolded = (context: JobContext.JobContext): void => {
  const known = new Set([...context.history()].flatMap(({ fact }) => (fact.kind === "Sum" ? [fact.id] : [])))
  const current = new Map([...known].map((customer): [string, Array<number>] => [customer, []]))
  for (const { value } of context.all(Sale)) {
    const amounts = current.get(value.customer)
    expect(amounts).toBeDefined()
    amounts?.push(value.amount)
  }
  const totals = (kind: typeof Sum | typeof Count | typeof Least | typeof Most | typeof Own) =>
    Object.fromEntries(context.all(kind as typeof Sum).map(({ id, value }) => [id, value.amount]))
  const expected = (of: (amounts: ReadonlyArray<number>) => number | null) =>
    Object.fromEntries([...current].map(([customer, amounts]) => [customer, of(amounts)]))
  expect(totals(Sum)).toEqual(expected(exactly))
  expect(totals(Count)).toEqual(expected((amounts) => amounts.length))
  expect(totals(Least)).toEqual(expected((amounts) => (amounts.length === 0 ? null : Math.min(...amounts))))
  expect(totals(Most)).toEqual(expected((amounts) => (amounts.length === 0 ? null : Math.max(...amounts))))
  expect(totals(Own)).toEqual(expected((amounts) => amounts.reduce((sum, amount) => sum + Math.floor(amount), 0)))
}

describe("a fold", () => {
  it.effect("has the totals of the facts that are there, whatever arrived, was revised, moved or was pruned", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 40; seed++) {
        const { result } = yield* runInline(folded, { seed })
        expect(result.status).toBe("converged")
        expectFolded(result.context)
      }
    })
  )

  it.live("gives the same for any number of workers", () =>
    Effect.gen(function* () {
      const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size: 2, execArgv: [] })))
      const inline = comparable(yield* runInline(folded, { seed: 3 }, { id: "job" }))
      expect(comparable(yield* Effect.provide(runToEnd(folded, { seed: 3 }, { id: "job" }), engine))).toEqual(inline)
    }).pipe(Effect.scoped)
  )

  it.effect("goes on where a killed process left it, as if it had not been killed, and so does a fork", () =>
    Effect.gen(function* () {
      for (let seed = 1; seed <= 12; seed++) {
        const whole = yield* runInline(folded, { seed }, { id: "job" })
        const store = yield* journalStore
        const appends = randomOf(seed).below(11)
        yield* ended(Engine.run(folded, { seed }, { id: "job" })).pipe(
          Effect.provide(engineOnStore(brokenOff(store, appends)))
        )
        const engine = yield* Layer.build(engineOnStore(store))
        const job = yield* Effect.provide(Engine.resume(folded, "job"), engine)
        expect((yield* job.result).hash).toBe(whole.result.hash)
        const at = randomOf(seed + 100).below(11)
        const facts = [Sale.of({ n: 3, customer: "c1", amount: 1_000 }), Sale.of({ n: 99, customer: "new", amount: 5 })]
        const fork = yield* Effect.provide(Engine.fork(folded, "job", { at, id: "fork", facts }), engine)
        expectFolded((yield* fork.result).context)
        const again = yield* Effect.provide(Engine.resume(folded, "fork"), yield* Layer.build(engineOnStore(store)))
        expectFolded((yield* again.result).context)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("goes on from an earlier context, however many layers there are", () =>
    Effect.gen(function* () {
      let context: JobContext.JobContext | undefined
      for (let seed = 1; seed <= 20; seed++) {
        context = (yield* runInline(folded, { seed }, { context })).result.context
        expectFolded(context)
      }
    })
  )
})

describe("the totals of a fold", () => {
  const sums = (amounts: ReadonlyArray<number>) =>
    Program.make("sums", {
      input: noInput,
      seed: () => amounts.map((amount, n) => Sale.of({ n, customer: "ada", amount })),
      agents: [
        Agent.fold("sum", {
          over: Sale,
          by: ({ customer }) => customer,
          into: Sum,
          aggregate: Fold.sum(Sale, ({ amount }) => amount),
          as: (customer, amount) => ({ customer, amount })
        })
      ],
      output: (view) => view.all(Sum)[0]?.value.amount
    })

  it.effect("need no module, and sum equal values: 10 + 10 + 5", () =>
    Effect.gen(function* () {
      expect((yield* runInline(sums([10, 10, 5]), {})).result.output).toBe(25)
      expect((yield* runInline(sums([0.1, 0.2, 0.3, 1e16, 1, -1e16]), {})).result.output).toBe(1.6)
    })
  )

  it.effect(
    "whose effect an invariant discards: totals of Fold make up for it, and those of add and remove do not",
    () =>
      Effect.gen(function* () {
        const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
        const of = { over: Sale, by: () => "ada", into: Sum }
        const folds = [
          Agent.fold("of Fold", {
            ...of,
            aggregate: Fold.sum(Sale, ({ amount }) => amount),
            as: (customer, amount) => ({ customer, amount })
          }),
          Agent.fold("of add", {
            ...of,
            add: (total, { amount }, customer) => ({ customer, amount: (total?.amount ?? 0) + amount }),
            remove: (total, { amount }) => ({ ...total, amount: (total.amount ?? 0) - amount })
          })
        ]
        const totals: Array<number | null | undefined> = []
        for (const fold of folds) {
          const steps = Agent.make("steps", {
            each: Step,
            writes: [Step, Sale],
            execute: ({ value: { n } }) =>
              Effect.succeed({
                facts: [
                  Sale.of({ n, customer: "ada", amount: [1, 10, 100][n] ?? 0 }),
                  ...(n < 2 ? [Step.of({ n: n + 1 })] : [])
                ]
              })
          })
          const program = Program.make("p", {
            input: noInput,
            seed: () => [Step.of({ n: 0 })],
            agents: [steps, fold],
            invariants: [
              Invariant.structural("no eleven", (view) => view.all(Sum).every(({ value }) => value.amount !== 11), {
                onViolation: "discard"
              })
            ],
            output: (view) => view.all(Sum)[0]?.value.amount
          })
          const { result } = yield* runInline(program, {})
          expect(result.diagnostics).toMatchObject([{ agent: fold.name, cause: { _tag: "InvariantViolated" } }])
          totals.push(result.output)
        }
        expect(totals).toEqual([111, 101])
      })
  )

  it.effect("have as reasons the new facts of the group, and the total before", () =>
    Effect.gen(function* () {
      const first = (yield* runInline(sums([1, 2]), {})).result.context
      const causes = (context: JobContext.JobContext) =>
        Provenance.explain(context, { kind: "Sum", id: "ada" })!.causes.map(({ fact }) => `${fact.kind}/${fact.id}`)
      expect(causes(first)).toEqual(["Sale/0", "Sale/1"])
      const second = (yield* runInline(sums([5]), {}, { context: first })).result
      expect(second.output).toBe(7)
      expect(causes(second.context)).toEqual(["Sale/0", "Sum/ada"])
    })
  )

  it.effect("are proposed in the order in which their groups changed, one for each", () =>
    Effect.gen(function* () {
      const { context, version } = (yield* runInline(folded, { seed: 2 })).result
      expect(version).toBeGreaterThan(0)
      const order = context
        .facts()
        .flatMap(({ id, kind, provenance }) => (kind === "Sum" ? [[id, provenance.version]] : []))
      expect(order.map(([, at]) => at)).toEqual(order.map(([, at]) => at).toSorted((a, b) => Number(a) - Number(b)))
    })
  )
})

describe("the extremes of a fold", () => {
  it("are the same in every order where a group has numbers and texts: a number is less than any text", () => {
    const items: ReadonlyArray<number | string> = [10, "9", "b", 2, "", "10", -1]
    const extremes = (order: ReadonlyArray<number | string>) =>
      [Fold.min, Fold.max].map((extreme) => {
        const state = extreme(Num, (value) => value as unknown as number | string).empty()
        for (const item of order) state.add(item as unknown as { n: number })
        return state.item()
      })
    for (let turn = 0; turn < items.length; turn++) {
      const order = [...items.slice(turn), ...items.slice(0, turn)]
      expect(extremes(order)).toEqual([-1, "b"])
      expect(extremes(order.toReversed())).toEqual([-1, "b"])
    }
  })
})

describe("a fold that cannot be", () => {
  const define = (options: object) => () => Agent.fold("f", options as never)
  const ok = {
    over: Num,
    by: () => "all",
    into: Cell,
    aggregate: Fold.count(),
    as: (key: string) => ({ key, text: "" })
  }

  it("is refused when it is defined", () => {
    expect(define(ok)).not.toThrow()
    expect(define({ ...ok, concurrency: 4 })).toThrow("concurrency is for fiber agents")
    const ways =
      'agent "f": give either aggregate and as, such as Fold.count() and (key, count) => ({ key, count }), or add and remove'
    expect(define({ ...ok, as: undefined })).toThrow(ways)
    expect(define({ ...ok, add: () => 0 })).toThrow(ways)
    expect(define({ ...ok, aggregate: undefined, as: undefined, add: () => 0 })).toThrow(ways)
    expect(define({ ...ok, into: Entry })).toThrow(
      'agent "f": a total is revised when its group changes: give Entry conflict: "keepLast"'
    )
    expect(define({ ...ok, over: Cell })).toThrow(
      "it would fold its own totals: into must be another kind than over, Cell"
    )
    const pruned = Fact.kind("P", {
      schema: Schema.Struct({ key: Schema.String }),
      id: () => "",
      conflict: "keepLast",
      retention: { latest: 1 }
    })
    expect(define({ ...ok, into: pruned })).toThrow("a total that is pruned is lost: leave out the retention of P")
    expect(define({ ...ok, aggregate: 1 })).toThrow('agent "f": aggregate must be one of Fold.sum')
    expect(define({ ...ok, onFailure: "discard" })).toThrow(
      'agent "f": a fold has no onFailure: its failure ends the job, because a total without the facts of a failed task would be wrong'
    )
  })

  it.effect("fails as other agents do: a throw, a group that is no key, two groups with one total, no number", () =>
    Effect.gen(function* () {
      const errorOf = (options: object) =>
        Effect.map(
          runInline(
            Program.make("p", {
              input: noInput,
              kinds: [Num],
              seed: () => nums(1, 2),
              agents: [Agent.fold("f", { ...ok, ...options } as never)]
            }),
            {}
          ),
          ({ error }) => error
        )
      const fails = (): never => {
        throw new Error("no")
      }
      expect(yield* errorOf({ by: fails })).toMatchObject({ _tag: "AgentPanicked", agent: "f", message: "no" })
      expect(yield* errorOf({ as: fails })).toMatchObject({ _tag: "AgentPanicked", agent: "f", message: "no" })
      expect(yield* errorOf({ by: () => ({}) })).toMatchObject({
        _tag: "AgentPanicked",
        message: 'the group of agent "f" is an object: a group is named by a text, a number or a boolean'
      })
      expect(yield* errorOf({ by: ({ n }: { n: number }) => n, as: () => ({ key: "same", text: "" }) })).toMatchObject({
        _tag: "InvalidEffect",
        message: "two groups have the total Cell/same, the later one is 2"
      })
      expect(yield* errorOf({ aggregate: Fold.sum(Num, () => Number.NaN) })).toMatchObject({
        _tag: "AgentPanicked",
        message: "Fold.sum takes finite numbers, not NaN"
      })
      expect(yield* errorOf({ as: () => ({ key: 1 }) })).toMatchObject({ _tag: "InvalidEffect" })
    })
  )
})
