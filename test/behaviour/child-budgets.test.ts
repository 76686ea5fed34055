/** Budgets that a parent hands down, and the number of jobs in a tree (CH10, CH11). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import { Agent, Budget, Engine, Fact, Intent, Journal, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore, killedAfter, killedAtWrite } from "../support/behaviour/durable.ts"
import { engineWith } from "../support/behaviour/intents.ts"
import { ended, noInput, num, Num, openEngine, turns, until, untilState } from "../support/behaviour/harness.ts"

type Tree = Program.Program<"tree", { readonly n: number }, unknown, unknown, never, Fact.Kind.Any>

/** A program of which each job asks for some jobs of itself, without an end. `seen` counts the executions in all jobs. */
const tree = (
  width: number,
  options: { readonly budget?: Budget.Budget; readonly onFailure?: "report"; readonly tokens?: number } = {}
) => {
  const seen = { executed: 0 }
  const { budget, onFailure, tokens } = options
  const self: Program.Program.Any = Program.make("tree", {
    input: Schema.Struct({ n: Schema.Int }),
    agents: [
      Agent.make("asks", {
        each: Num,
        execute: ({ value: { n } }): Effect.Effect<object> =>
          Effect.sync(() => {
            seen.executed++
            const asked = Array.from({ length: width }, (_, index) => n * width + index + 1)
            return {
              intents: asked.map((next) => Intent.child(self as Tree, { n: next }, { onFailure })),
              ...(tokens === undefined ? {} : { usage: { tokens } })
            }
          })
      })
    ],
    seed: ({ n }) => [num(n)],
    output: (view) => view.all(Intent.ChildResult).map(({ value: { error, status } }) => ({ error, status })),
    ...(budget === undefined ? {} : { budget })
  })
  return { seen, program: self as Tree }
}

/** A program of which each job pays for some calls, and then asks for some jobs of itself. `paid` counts the cost of all jobs. */
const payingTree = (width: number, budget: Budget.Budget) => {
  const paid = { cost: 0, tokens: 0 }
  const call = Effect.gen(function* () {
    yield* Budget.reserve({ cost: 0.5, tokens: 10 })
    paid.cost += 0.5
    paid.tokens += 10
    yield* turns(1)
    yield* Budget.spend({ cost: 0.5, tokens: 10 })
  })
  const self: Program.Program.Any = Program.make("tree", {
    input: Schema.Struct({ n: Schema.Int }),
    agents: [
      Agent.make("pays", {
        each: Num,
        execute: ({ value: { n } }): Effect.Effect<object, Budget.NoRoom> =>
          Effect.gen(function* () {
            yield* Effect.all([call, call], { concurrency: "unbounded" })
            const asked = Array.from({ length: width }, (_, index) => n * width + index + 1)
            return { intents: asked.map((next) => Intent.child(self as Tree, { n: next }, { onFailure: "report" })) }
          })
      })
    ],
    seed: ({ n }) => [num(n)],
    output: (view) => view.all(Intent.ChildResult).map(({ value: { error, status } }) => ({ error, status })),
    budget
  })
  return { paid, program: self as Tree }
}

const exhaustedOf = (budget: string) => ({ _tag: "BudgetExhausted", budget, isHandedDown: true })

describe("the budget of a job", () => {
  it.effect("bounds all jobs below it, however many each of them asks for", () =>
    Effect.gen(function* () {
      const limits = [
        [{ maxAgents: 60 }, 60],
        [{ maxFacts: 150 }, 150],
        [{ maxTokens: 500 }, 50],
        [{ maxCycles: 9 }, 200]
      ] as const
      for (const [budget, most] of limits) {
        const { program, seen } = tree(3, { budget, onFailure: "report", tokens: 10 })
        const result = yield* Effect.provide(Engine.run(program, { n: 0 }), engineWith({ children: [program] }))
        expect(result.status).toBe("converged")
        expect(seen.executed, JSON.stringify(budget)).toBeLessThanOrEqual(most)
        expect(seen.executed).toBeGreaterThan(3)
      }
    })
  )

  it.effect("bounds what all jobs below it pay, in tokens and in cost, whatever becomes of them", () =>
    Effect.gen(function* () {
      for (const budget of [{ maxCost: 20 }, { maxTokens: 400 }, { maxCost: 20, maxTokens: 90 }]) {
        const { paid, program } = payingTree(3, budget)
        const result = yield* Effect.provide(Engine.run(program, { n: 0 }), engineWith({ children: [program] }))
        const { maxCost = Infinity, maxTokens = Infinity } = { maxCost: undefined, maxTokens: undefined, ...budget }
        expect(result.status).toBe("converged")
        expect(paid.cost, JSON.stringify(budget)).toBeLessThanOrEqual(maxCost)
        expect(paid.tokens, JSON.stringify(budget)).toBeLessThanOrEqual(maxTokens)
        // The first job pays 1, and each of its three children pays something.
        expect(paid.cost).toBeGreaterThanOrEqual(2.5)
      }
    })
  )

  it.live(
    "counts every call of all jobs below it once, and none above the limit, whichever write a process died at",
    () =>
      Effect.gen(function* () {
        const budget = { maxCost: 9 }
        const run = (paying: ReturnType<typeof payingTree>, store: JobStore.JobStore["Service"]) =>
          Effect.exit(
            Effect.provide(
              Engine.run(paying.program, { n: 0 }, { id: "root" }),
              engineOnStore(store, { children: [paying.program] })
            )
          )
        const deaths: Array<number> = []
        for (let at = 1; at < 60; at += 3) {
          const store = yield* journalStore
          const { killed, seen } = killedAtWrite(store, at)
          const paying = payingTree(2, budget)
          const { close, use } = yield* openEngine(engineOnStore(killed, { children: [paying.program] }))
          yield* Effect.forkDetach(use(Effect.ignore(Engine.run(paying.program, { n: 0 }, { id: "root" }))))
          const isOver = Effect.map(Effect.orDie(store.list()), ({ jobs }) =>
            jobs.some(({ jobId, status }) => jobId === "root" && status !== undefined)
          )
          yield* until(Effect.map(isOver, (over) => over || seen.isDead))
          yield* close
          if (seen.isDead) deaths.push(at)
          const unfinished = yield* store.list({ status: "unfinished" })
          yield* Effect.forEach(unfinished.jobs, ({ jobId }) =>
            Effect.flatMap(store.lease(jobId, { force: true }), (fence) => store.release(jobId, fence))
          )
          yield* run(paying, store)
          const { jobs } = yield* store.list()
          expect(jobs.every(({ status }) => status !== undefined)).toBe(true)
          const usages = yield* Effect.provideService(
            Effect.forEach(jobs, ({ jobId }) => Effect.map(Journal.replay(jobId), ({ usage }) => usage.cost)),
            ...([JobStore.JobStore, store] as const)
          )
          const counted = usages.reduce((sum, cost) => sum + cost, 0)
          expect(counted, `killed at write ${at}`).toBe(paying.paid.cost)
          expect(counted, `killed at write ${at}`).toBeLessThanOrEqual(budget.maxCost)
        }
        expect(deaths.length).toBeGreaterThan(10)
      })
  )

  it.effect("leaves a job that reserves what its children do not hold, and says which part they hold", () =>
    Effect.gen(function* () {
      const pays = (n: number, cost: number) =>
        Effect.gen(function* () {
          yield* Budget.reserve({ cost })
          yield* Budget.spend({ cost })
          return n === 0
            ? { intents: [Intent.child(spends, { n: 0 }, { budget: { maxCost: 95 } })], facts: [num(1)] }
            : {}
        })
      const program = Program.make("parent", {
        input: noInput,
        agents: [
          Agent.make("pays", {
            each: Num,
            writes: [Num],
            execute: ({ value: { n } }) => pays(n, n === 0 ? 10 : 1)
          })
        ],
        seed: () => [num(0)],
        budget: { maxCost: 100 }
      })
      // The child asks for 95 of the 90 that are left.
      const error = yield* ended(Effect.provide(Engine.run(program, {}), engineWith({ children: [spends] })))
      const exhausted = {
        _tag: "BudgetExhausted",
        budget: "cost",
        spender: "pays",
        limit: 100,
        children: 90,
        used: 100
      }
      expect(error).toMatchObject(exhausted)
    })
  )

  it.effect("takes back what a child did not pay, also when the child failed after it had paid", () =>
    Effect.gen(function* () {
      const child = Program.make("child", {
        input: Schema.Struct({ n: Schema.Int }),
        agents: [
          Agent.make("pays", {
            execute: () =>
              Effect.andThen(
                Budget.reserve({ cost: 25 }),
                Effect.andThen(Budget.spend({ cost: 20 }), Effect.fail("down"))
              )
          })
        ]
      })
      const pays = (cost: number) =>
        Program.make("parent", {
          input: noInput,
          agents: [
            Agent.make("asks", {
              execute: () =>
                Effect.succeed({
                  intents: [Intent.child(child, { n: 0 }, { budget: { maxCost: 60 }, onFailure: "report" })]
                })
            }),
            Agent.make("pays", {
              each: Intent.ChildResult,
              execute: () => Effect.as(Effect.andThen(Budget.reserve({ cost }), Budget.spend({ cost })), {})
            })
          ],
          budget: { maxCost: 100 }
        })
      const world = engineWith({ children: [child] })
      const result = yield* Effect.provide(Engine.run(pays(80), {}), world)
      expect(result.usage.cost).toBe(80)
      const error = yield* ended(Effect.provide(Engine.run(pays(81), {}), world))
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "cost", children: 20, used: 20, limit: 100 })
    })
  )

  it.effect("ends a program that starts itself with an error that names the limit and where it comes from", () =>
    Effect.gen(function* () {
      const { program } = tree(1, { budget: { maxTokens: 90 }, tokens: 10 })
      const error = yield* ended(Effect.provide(Engine.run(program, { n: 0 }), engineWith({ children: [program] })))
      // 90 - 10 leaves 40 for the child, then 15, then 2.
      expect(error).toMatchObject({ error: { error: { error: { ...exhaustedOf("tokens"), used: 0, limit: 2 } } } })
      expect(error.message).toContain("the budget of tokens is exhausted: 0 of 2 that the parent job handed down")
    })
  )

  it.effect("is handed down if somebody set it, while a default protects each job by itself", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const children = yield* childrenOf(store, { maxFacts: 100, maxContextBytes: 10_000 }, [undefined, undefined])
      for (const { budget, handed } of children) {
        expect(handed).toEqual({ facts: 33 })
        expect(budget).toMatchObject({ facts: 33, cycles: 1_000, agents: null, contextBytes: null, tokens: null })
      }
      const [alone] = yield* childrenOf(yield* journalStore, {}, [undefined])
      expect(alone).not.toHaveProperty("handed")
      expect(alone?.budget).toMatchObject({ cycles: 1_000, facts: 1_000_000 })
    })
  )

  it.effect("is set aside for what intents name first, in commit order, and then in equal parts", () =>
    Effect.gen(function* () {
      const asked = [undefined, { maxTokens: 50 }, { maxTokens: 80 }, { maxTokens: 5, maxCycles: 3 }]
      const children = yield* childrenOf(yield* journalStore, { maxTokens: 100, maxCycles: 20 }, asked)
      expect(children.map(({ budget: { cycles, tokens } }) => ({ cycles, tokens }))).toEqual([
        { cycles: 18, tokens: 0 },
        { cycles: 18, tokens: 50 },
        { cycles: 18, tokens: 50 },
        { cycles: 3, tokens: 0 }
      ])
    })
  )
})

/** A child that spends tokens in as many cycles as its input says. */
const spends = Program.make("spends", {
  input: Schema.Struct({ n: Schema.Int }),
  agents: [
    Agent.make("counts", {
      each: Num,
      writes: [Num],
      execute: ({ value: { n } }) => Effect.succeed({ facts: n > 1 ? [num(n - 1)] : [], usage: { tokens: 10 } })
    })
  ],
  seed: ({ n }) => (n > 0 ? [num(n)] : []),
  output: (view) => view.all(Num).length
})

interface Header {
  readonly budget: Readonly<Record<string, number | null>>
  readonly handed?: object
}

/** The headers of the children that a job of a budget asks for in one cycle. */
const childrenOf = (
  store: JobStore.JobStore["Service"],
  budget: Budget.Budget,
  asked: ReadonlyArray<Budget.Budget | undefined>
) =>
  Effect.gen(function* () {
    const intents = asked.map((own) => Intent.child(spends, { n: 0 }, { budget: own }))
    const program = Program.make("parent", {
      input: noInput,
      agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents }) })]
    })
    const run = Engine.run(program, {}, { id: "job", budget })
    yield* Effect.provide(run, engineOnStore(store, { children: [spends] }))
    return yield* Effect.forEach(asked, (_, index) =>
      Effect.map(store.load(`job/1/asks//${index}`), ({ header }) => JSON.parse(header) as Header)
    )
  })

/** A job that asks for a child for each number, one after the other: the next when the one before has answered. */
const oneByOne = (costs: ReadonlyArray<number>) =>
  Program.make("oneByOne", {
    input: noInput,
    agents: [
      Agent.make("first", {
        execute: () => Effect.succeed({ intents: [Intent.child(spends, { n: costs[0] ?? 0 }, { id: "0" })] })
      }),
      Agent.make("next", {
        each: Intent.ChildResult,
        execute: ({ id }): Effect.Effect<object> => {
          const n = costs[Number(id) + 1]
          const next = String(Number(id) + 1)
          return Effect.succeed({
            usage: { tokens: 1 },
            ...(n === undefined ? {} : { intents: [Intent.child(spends, { n }, { id: next })] })
          })
        }
      })
    ],
    output: (view) => view.all(Intent.ChildResult).map(({ value }) => value.status)
  })

const shareOf = (store: JobStore.JobStore["Service"], id: string) =>
  Effect.map(store.load(id), ({ header }) => (JSON.parse(header) as Header).handed)

describe("what a child does not spend of its share", () => {
  it.effect("comes back with its answer, and what it spends counts", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const program = oneByOne([2, 0, 3])
      const run = Engine.run(program, {}, { id: "job", budget: { maxTokens: 100, maxCycles: 40 } })
      const result = yield* Effect.provide(run, engineOnStore(store, { children: [spends] }))
      expect(result.usage.tokens).toBe(3)
      // The shares of tokens are halves of 100, then of 100 - 20 - 1, then of 100 - 20 - 2.
      expect(yield* shareOf(store, "job/1/first//0")).toEqual({ tokens: 50, cycles: 38 })
      expect(yield* shareOf(store, 'job/2/next/"ChildResult"/0/0')).toEqual({ tokens: 39, cycles: 35 })
      expect(yield* shareOf(store, 'job/3/next/"ChildResult"/1/0')).toEqual({ tokens: 39, cycles: 34 })
    })
  )

  it.effect("is all counted when the parent's own agents reach the limit, and the error says so", () =>
    Effect.gen(function* () {
      const program = Program.make("parent", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            execute: () => Effect.succeed({ intents: [Intent.child(spends, { n: 4 }, { budget: { maxTokens: 60 } })] })
          }),
          Agent.make("writes", {
            each: Intent.ChildResult,
            execute: () => Effect.succeed({ usage: { tokens: 70 } })
          })
        ]
      })
      const run = Engine.run(program, {}, { budget: { maxTokens: 100 } })
      const error = yield* ended(Effect.provide(run, engineWith({ children: [spends] })))
      expect(error).toMatchObject({ budget: "tokens", used: 40, limit: 100, children: 40, spender: "writes" })
      expect(error.message).toContain("40 of 100, 40 of them by child jobs or set aside for these")
    })
  )

  it.effect("counts as spent by a parent that ends before the child has answered", () =>
    Effect.gen(function* () {
      const idle = Program.make("idle", {
        input: noInput,
        agents: [Agent.make("waits", { execute: () => Effect.never })]
      })
      const middle = Program.make("middle", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            execute: () => Effect.succeed({ intents: [Intent.child(idle, {})], facts: [num(1)] }),
            writes: [Num]
          }),
          Agent.make("fails", { each: Num, execute: () => Effect.fail("no") })
        ]
      })
      const program = Program.make("top", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            execute: () => Effect.succeed({ intents: [Intent.child(middle, {}, { onFailure: "report" })] })
          }),
          Agent.make("again", {
            each: Intent.ChildResult,
            execute: ({ id }): Effect.Effect<object> =>
              Effect.succeed(id === "last" ? {} : { intents: [Intent.child(spends, { n: 0 }, { id: "last" })] })
          })
        ]
      })
      const store = yield* journalStore
      const run = Engine.run(program, {}, { id: "job", budget: { maxTokens: 100 } })
      yield* Effect.provide(run, engineOnStore(store, { children: [middle, idle, spends] }))
      // The middle job got 50 and set 25 aside.
      expect(yield* shareOf(store, 'job/2/again/"ChildResult"/1%2Fasks//0/0')).toEqual({ tokens: 37 })
    })
  )

  it.effect("leaves a length to children that run side by side", () =>
    Effect.gen(function* () {
      const slow = Program.make("slow", {
        input: noInput,
        agents: [Agent.make("sleeps", { execute: () => Effect.as(Effect.sleep("6 seconds"), {}) })]
      })
      const program = Program.make("parent", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            execute: () => Effect.succeed({ intents: ["a", "b"].map((id) => Intent.child(slow, {}, { id })) })
          }),
          Agent.make("again", {
            each: Intent.ChildResult,
            execute: ({ id }): Effect.Effect<object> =>
              Effect.succeed(id === "a" ? { intents: [Intent.child(slow, {}, { id: "c" })] } : {})
          })
        ]
      })
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(program, {}, { budget: { maxDuration: "10 seconds" } })
        yield* untilState(job, "awaiting")
        yield* turns(20)
        yield* TestClock.adjust("6 seconds")
        yield* until(Effect.map(job.status, ({ cycle }) => cycle >= 2))
        yield* turns(20)
        yield* TestClock.adjust("4 seconds")
        // The third child was given 4 seconds, and its parent has no time left either.
        const error = { _tag: "BudgetExhausted", budget: "duration", used: 10_000, limit: 10_000, children: 10_000 }
        expect(yield* ended(job.result)).toMatchObject(error)
      }).pipe(Effect.provide(engineWith({ children: [slow] })))
    })
  )
})

describe("shares of a budget in a journal", () => {
  const program = oneByOne([1, 2, 1])
  const start = Engine.run(program, {}, { id: "job", budget: { maxTokens: 60, maxAgents: 30 } })
  const world = (store: JobStore.JobStore["Service"]) => engineOnStore(store, { children: [spends] })
  const ids = ["job/1/first//0", 'job/2/next/"ChildResult"/0/0', 'job/3/next/"ChildResult"/1/0']
  const sharesIn = (store: JobStore.JobStore["Service"]) => Effect.forEach(ids, (id) => shareOf(store, id))

  it.live("are the same after the process was killed at any row, of the job's own or of a child's", () =>
    Effect.gen(function* () {
      const wholeStore = yield* journalStore
      const whole = yield* Effect.provide(start, world(wholeStore))
      const shares = yield* sharesIn(wholeStore)
      expect(shares).toEqual([
        { tokens: 30, agents: 14 },
        { tokens: 24, agents: 13 },
        { tokens: 14, agents: 12 }
      ])
      for (let at = 0; at < 8; at++) {
        const store = yield* journalStore
        const { killed, seen } = killedAfter(store, at)
        const { close, use } = yield* openEngine(world(killed))
        yield* Effect.forkDetach(use(Effect.ignore(start)))
        yield* until(() => seen.isDead)
        yield* close
        const { jobs } = yield* store.list({ status: "unfinished" })
        yield* Effect.forEach(jobs, ({ jobId }) =>
          Effect.flatMap(store.lease(jobId), (fence) => store.release(jobId, fence))
        )
        const again = yield* Effect.provide(start, world(store))
        expect(again.hash, `killed after ${at} rows`).toBe(whole.hash)
        expect(yield* sharesIn(store), `killed after ${at} rows`).toEqual(shares)
      }
    })
  )

  it.live("are held for a child that was asked for before the job was resumed", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const exit = yield* Effect.exit(Effect.provide(start, world(brokenOff(store, 1, "job"))))
      expect(Exit.isFailure(exit)).toBe(true)
      const { jobs } = yield* store.list({ status: "unfinished" })
      expect(jobs.map(({ jobId }) => jobId)).toEqual(["job"])
      const result = yield* Effect.provide(start, world(store))
      expect(result.status).toBe("converged")
      expect(yield* sharesIn(store)).toEqual([
        { tokens: 30, agents: 14 },
        { tokens: 24, agents: 13 },
        { tokens: 14, agents: 12 }
      ])
    })
  )

  it.effect("leave no trace in the rows of jobs that share none", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const extras: Array<string> = []
      const watched: JobStore.JobStore["Service"] = {
        ...store,
        append: (jobId, fence, row) => {
          extras.push(row.extra())
          return store.append(jobId, fence, row)
        }
      }
      yield* Effect.provide(Engine.run(program, {}, { id: "job" }), world(watched))
      expect(extras.length).toBeGreaterThan(5)
      expect(extras.filter((extra) => extra.includes("children"))).toEqual([])
    })
  )
})

describe("a tree of child jobs", () => {
  const tooMany = {
    _tag: "TooManyDescendants",
    message: expect.stringMatching(/at most 40 jobs below its first one \(maxDescendants of Engine.layer\)/) as string
  }

  it.effect("that grows without an end has a limit of jobs, and its first job fails and says so", () =>
    Effect.gen(function* () {
      for (const onFailure of [undefined, "report"] as const) {
        const { program, seen } = tree(3, onFailure === undefined ? {} : { onFailure })
        yield* Effect.gen(function* () {
          const error = yield* ended(Engine.run(program, { n: 0 }))
          expect(error).toMatchObject({ _tag: "IntentFailed", cycle: 1, error: tooMany })
          expect(yield* Effect.flatMap(Engine.Engine, ({ live }) => live)).toEqual([])
          expect(seen.executed).toBeLessThanOrEqual(41)
        }).pipe(Effect.provide(engineWith({ children: [program], maxDescendants: 40 })))
      }
    })
  )

  it.effect("fails in the same way whichever of its jobs are fast", () =>
    Effect.gen(function* () {
      const endless = tree(2).program
      const top = (pauses: readonly [number, number]) =>
        Program.make("top", {
          input: noInput,
          agents: [
            Agent.make("asks", {
              execute: () =>
                Effect.succeed({
                  intents: [
                    Intent.child(waits, { n: pauses[0] }),
                    Intent.child(endless, { n: 0 }),
                    Intent.child(waits, { n: pauses[1] })
                  ]
                })
            })
          ]
        })
      const waits = Program.make("waits", {
        input: Schema.Struct({ n: Schema.Int }),
        agents: [Agent.make("waits", { each: Num, execute: ({ value: { n } }) => Effect.as(turns(n), {}) })],
        seed: ({ n }) => [num(n)]
      })
      const engine = engineWith({ children: [endless, waits], maxDescendants: 40 })
      for (const pauses of [
        [1, 10_000],
        [10_000, 1],
        [10_000, 10_000]
      ] as const) {
        const run = Engine.run(top(pauses), {}, { id: "job" })
        const error = yield* ended(Effect.provide(run, engine))
        expect(error).toMatchObject({ _tag: "IntentFailed", key: "job/1/asks//0", cycle: 1, error: tooMany })
      }
    })
  )

  it.effect("counts anew when the first job has the answers of its children", () =>
    Effect.gen(function* () {
      const program = oneByOne([1, 1, 1, 1])
      const engine = engineWith({ children: [spends], maxDescendants: 1 })
      const result = yield* Effect.provide(Engine.run(program, {}), engine)
      expect(result.output).toEqual(["converged", "converged", "converged", "converged"])
      const none = engineWith({ children: [spends], maxDescendants: 0 })
      expect(yield* ended(Effect.provide(Engine.run(program, {}), none))).toMatchObject({
        error: { _tag: "TooManyDescendants" }
      })
    })
  )

  it.effect("has at most 10,000 jobs below its first one where nobody says otherwise", () =>
    Effect.gen(function* () {
      const idle = Program.make("idle", {
        input: noInput,
        agents: [Agent.make("waits", { execute: () => Effect.never })]
      })
      const asks = (count: number) =>
        Program.make("asks", {
          input: noInput,
          agents: [
            Agent.make("asks", {
              execute: () => Effect.succeed({ intents: Array.from({ length: count }, () => Intent.child(idle, {})) })
            })
          ]
        })
      const engine = engineWith({ children: [idle], maxChildJobs: 1 })
      const message = expect.stringMatching(/at most 10000 jobs/) as string
      const error = yield* ended(Effect.provide(Engine.run(asks(10_001), {}), engine))
      expect(error).toMatchObject({ error: { _tag: "TooManyDescendants", message } })
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(asks(10_000), {})
        yield* untilState(job, "awaiting")
        yield* turns(20)
        expect((yield* job.status).state).toBe("awaiting")
        yield* job.cancel
      }).pipe(Effect.provide(engine))
    })
  )
})

describe("a join that asks for child jobs in more than one task", () => {
  it.effect("sets a share aside for each of them", () =>
    Effect.gen(function* () {
      const Left = Fact.kind("Left", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
      const Right = Fact.kind("Right", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
      const child = Program.make("child", {
        input: noInput,
        agents: [Agent.make("pays", { execute: () => Effect.as(Budget.spend({ cost: 6 }), {}) })]
      })
      const last = 4_999
      const parent = Program.make("parent", {
        module: import.meta.url,
        input: noInput,
        seed: function* () {
          for (let n = 0; n <= last; n++) yield Left.of({ n })
          for (const n of [0, last]) yield Right.of({ n })
        },
        agents: [
          Agent.join("asks", {
            left: [Left, ({ n }) => n],
            right: [Right, ({ n }) => n],
            placement: "inline",
            execute: ({ id }) => ({ intents: [Intent.child(child, {}, { id, onFailure: "report" })] })
          })
        ],
        budget: { maxCost: 10 },
        output: (view) => view.all(Intent.ChildResult).map(({ value }) => value.status)
      })
      const { intents, output } = yield* Engine.run(parent, {}).pipe(
        Effect.provide(Engine.layer({ children: [child] })),
        Effect.provide([WorkerPool.layerInline, JobStore.layerMemoryJournal])
      )
      expect(intents.some(({ part }) => part !== undefined)).toBe(true)
      // Each may spend 5 of the 10, and spends 6.
      expect(output).toEqual(["budget-exhausted", "budget-exhausted"])
    })
  )
})
