/**
 * G11, the end of a job with child jobs (CH13): the process may die at any write of it. The job then ends as it was about to, or goes
 * on as if nobody had ended it. No job takes a child for answered that was cancelled for its parent's end.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, type Job, JobStore, Program } from "../../src/index.ts"
import { endOrAsk } from "../../src/job/endStored.ts"
import { engineOnStore, journalStore, killedAtWrite } from "../support/behaviour/durable.ts"
import { noInput, num, Num, openEngine, turns, until } from "../support/behaviour/harness.ts"
import { comparable } from "../support/core/run.ts"

type Store = JobStore.JobStore["Service"]

/** Opened for a life in which nothing waits any more. */
interface Gate {
  isOpen: boolean
  /** The number of handlers that wait. */
  waiting: number
}

interface Family {
  readonly program: Program.Program<"top", object, unknown, unknown, never, typeof Num>
  /** Another version, in which a name has another kind. Nobody says how to bring it over. */
  readonly other: Family["program"]
  readonly layer: (store: Store) => ReturnType<typeof engineOnStore>
  readonly gate: Gate
}

/** A job with two children, each of which has a child that waits for a handler. `works`: what an agent of the job does meanwhile. */
const familyOf = (
  works: (gate: Gate) => Effect.Effect<object, string>,
  budget: Parameters<typeof Program.make>[1]["budget"] = {}
): Family => {
  const gate: Gate = { isOpen: false, waiting: 0 }
  const asks = (intents: ReadonlyArray<{ readonly kind: string; readonly payload: unknown }>) =>
    Agent.make("asks", { execute: () => Effect.succeed({ intents }) })
  const low = Program.make("low", { input: noInput, agents: [asks([{ kind: "Mail", payload: null }])] })
  const middle = Program.make("middle", {
    input: noInput,
    agents: [asks([Intent.child(low, {}, { onFailure: "report" })])],
    output: (view) => view.all(Intent.ChildResult).map(({ value: { status } }) => status)
  })
  const top = (kind: typeof Num) =>
    Program.make("top", {
      input: noInput,
      budget,
      agents: [
        asks([Intent.child(middle, {}, { onFailure: "report" }), Intent.child(middle, {})]),
        Agent.make("works", { each: kind, writes: [kind], execute: ({ value: { n } }) => step(n, works(gate)) })
      ],
      seed: () => [num(0)],
      output: (view) => view.all(Intent.ChildResult).map(({ value: { output, status } }) => ({ output, status }))
    }) as unknown as Family["program"]
  const mail = Engine.handler("Mail", () =>
    Effect.suspend(() => (gate.isOpen ? Effect.succeed([]) : (gate.waiting++, Effect.never)))
  )
  const program = top(Num)
  const children = [program, middle, low]
  const layer = (store: Store) => engineOnStore(store, { children, handlers: [mail], maxAttempts: 100 })
  return { program, other: top(Changed as unknown as typeof Num), layer, gate }
}

const Changed = Fact.kind("Num", { schema: Schema.Struct({ n: Schema.String }), id: ({ n }) => n })

/** The agent works when the children have been asked for. */
const step = (n: number, works: Effect.Effect<object, string>) =>
  n === 0 ? Effect.succeed({ facts: [num(1)] }) : works

const rests = () => Effect.succeed({})
const waits = ({ isOpen }: Gate) => (isOpen ? Effect.succeed({}) : Effect.never)

type TopJob = Job.Job<Family["program"]>

/** A way in which a job ends before its children do. */
interface Way {
  readonly name: string
  readonly works: (gate: Gate) => Effect.Effect<object, string>
  readonly budget?: { readonly maxDuration: "1 second" }
  readonly error: string
  /** Called when the job's children wait. */
  readonly end: (job: TopJob) => Effect.Effect<unknown>
}

const ways: ReadonlyArray<Way> = [
  { name: "is cancelled while it awaits", works: rests, error: "JobCancelled", end: (job) => job.cancel },
  { name: "is cancelled while an agent runs", works: waits, error: "JobCancelled", end: (job) => job.cancel },
  {
    name: "is cancelled in a pause",
    works: rests,
    error: "JobCancelled",
    end: (job) => Effect.andThen(Effect.exit(job.pause), job.cancel)
  },
  {
    name: "runs out of its budget",
    works: waits,
    budget: { maxDuration: "1 second" },
    error: "BudgetExhausted",
    end: () => TestClock.adjust("1 second")
  },
  {
    name: "fails, since an agent fails",
    works: () => Effect.andThen(turns(30), Effect.fail("down")),
    error: "AgentFailed",
    end: () => Effect.void
  }
]

/** The job's end, read again from its journal if it has ended. A job that is taken up paused goes on. */
const outcome = (job: TopJob) =>
  Effect.gen(function* () {
    yield* Effect.exit(job.resume)
    const ended = yield* Effect.result(job.result)
    const events = yield* Stream.runCollect(job.events)
    return ended._tag === "Success"
      ? { result: ended.success, error: undefined, events }
      : { result: ended.failure.partial, error: ended.failure, events }
  })

const startIn = ({ layer, program }: Family, store: Store) =>
  Effect.provide(Effect.flatMap(Engine.start(program, {}, { id: "job" }), outcome), layer(store))

/** One life of a process: the job is ended in some way, unless the store dies before. */
const lifeOf = ({ gate, layer, program }: Family, { end }: Way, store: Store, isDead: () => boolean) =>
  Effect.gen(function* () {
    const { close, use } = yield* openEngine(layer(store))
    const started = yield* Effect.exit(use(Engine.start(program, {}, { id: "job" })))
    if (Exit.isSuccess(started)) {
      const job = started.value
      const isOver = () => isDead() || job.actor.getSnapshot().status !== "active"
      yield* until(() => isOver() || gate.waiting === 2)
      yield* turns(10)
      yield* Effect.forkDetach(end(job))
      yield* until(isOver)
      yield* turns(20)
    }
    yield* close
  })

/** The store as the next process finds it: nobody holds a job any more. */
const freed = (store: Store): Store => ({ ...store, lease: (jobId) => store.lease(jobId, { force: true }) })

/** The texts of all rows of all jobs. */
const rowsOf = (store: Store) =>
  Effect.gen(function* () {
    const { jobs } = yield* store.list()
    const rows = yield* Effect.forEach(jobs, ({ jobId }) => Stream.runCollect(store.rows(jobId, 0)))
    return rows.flat().map(({ extra, text }) => text + extra)
  })

describe("a job with children that", () => {
  it.effect.each(ways)("$name ends in one way, whichever write its process died at", (way) =>
    Effect.gen(function* () {
      const { budget, error, works } = way
      const family = () => familyOf(works, budget)
      const stays = family()
      stays.gate.isOpen = true
      const undisturbed = yield* startIn(stays, yield* journalStore)
      const whole = yield* journalStore
      yield* lifeOf(family(), way, whole, () => false)
      const ended = yield* startIn(family(), whole)
      expect(ended.error?._tag).toBe(error)
      expect((yield* whole.list({ status: "unfinished" })).jobs).toEqual([])
      const found: Array<"ended" | "went on"> = []
      let isWhole = false
      for (let at = 1; !isWhole; at++) {
        const store = yield* journalStore
        const { killed, seen } = killedAtWrite(store, at)
        const own = family()
        yield* lifeOf(own, way, killed, () => seen.isDead)
        isWhole = !seen.isDead
        own.gate.isOpen = true
        const again = yield* startIn(own, freed(store))
        const isEnded = again.error !== undefined
        const expected = comparable(isEnded ? ended : undisturbed)
        // A pause by the killed life is in the events, so they differ.
        const events = !isEnded && again.events.some(({ _tag }) => _tag === "JobPaused") ? expected.events : undefined
        const actual = comparable(again)
        expect({ ...actual, ...(events && { events }) }, `killed at write ${at}`).toEqual(expected)
        expect((yield* store.list({ status: "unfinished" })).jobs, `killed at write ${at}`).toEqual([])
        const rows = yield* rowsOf(store)
        expect(rows.filter((text) => text.includes("JobCancelled"))).toEqual([])
        found.push(isEnded ? "ended" : "went on")
      }
      // From the note on, it ends.
      expect(found.slice(found.indexOf("ended")).every((one) => one === "ended")).toBe(true)
      expect(found.filter((one) => one === "ended").length).toBeGreaterThan(4)
    })
  )
})

/** A store in which a job was about to end by a cancel when its process died: none of its children has ended yet. */
const endingStore = (family: Family) =>
  Effect.gen(function* () {
    const store = yield* journalStore
    const seen = { isDead: false }
    const dead = Effect.fail(new JobStore.StoreError({ reason: "closed", message: "the process died" }))
    const alive = <A>(write: Effect.Effect<A, JobStore.StoreError>) =>
      Effect.suspend(() => (seen.isDead ? dead : write))
    const dying: Store = {
      ...store,
      note: (...args) => alive(store.note(...args)),
      halt: (...args) => alive(store.halt(...args)),
      keep: (jobId, fence, kept) =>
        Effect.tap(alive(store.keep(jobId, fence, kept)), () => Effect.sync(() => (seen.isDead = true)))
    }
    yield* lifeOf(family, cancelled, dying, () => seen.isDead)
    expect((yield* store.kept("job")).map(({ key }) => key)).toEqual(["/end"])
    expect(yield* statusesOf(store)).toEqual([undefined])
    family.gate.isOpen = true
    return freed(store)
  })

const cancelled: Way = { ...ways[0]!, works: rests }

/** The statuses that the jobs of a store have, each once. */
const statusesOf = (store: Store) =>
  Effect.map(store.list(), ({ jobs }) => [...new Set(jobs.map(({ status }) => status))])

/** The program is started where the store is, and cancelled when its children wait. */
const cancelledOn = ({ gate, layer, program }: Family, store: Store) =>
  Effect.gen(function* () {
    const engine = yield* openEngine(layer(store))
    const job = yield* engine.use(Engine.start(program, {}, { id: "job" }))
    yield* until(() => gate.waiting === 2)
    yield* turns(10)
    yield* job.cancel
    return { ...engine, job }
  })

describe("a job that was about to end when its process died", () => {
  it.effect("ends, however often a process dies over it", () =>
    Effect.gen(function* () {
      const family = familyOf(rests)
      const store = yield* endingStore(family)
      let lives = 0
      while ((yield* store.load("job")).status === undefined) {
        const { killed } = killedAtWrite(store, 1)
        yield* Effect.exit(startIn(family, killed))
        expect(++lives).toBeLessThan(20)
      }
      expect(lives).toBeGreaterThan(4)
      expect(yield* statusesOf(store)).toEqual(["cancelled"])
      expect(yield* store.kept("job")).toEqual([])
    })
  )

  it.effect("ends under another version of its program, too, which does not go on with it", () =>
    Effect.gen(function* () {
      const family = familyOf(rests)
      const store = yield* endingStore(family)
      const exit = yield* Effect.exit(Effect.provide(Engine.resume(family.other, "job"), family.layer(store)))
      expect(String(exit)).toContain("ProgramChanged")
      expect(yield* statusesOf(store)).toEqual(["cancelled"])
    })
  )

  it.effect("has a fork that goes on, with children of its own", () =>
    Effect.gen(function* () {
      const family = familyOf(rests)
      const store = yield* endingStore(family)
      const forked = Effect.flatMap(Engine.fork(family.program, "job", { id: "fork", at: 0 }), ({ result }) => result)
      const result = yield* Effect.provide(forked, family.layer(store))
      const one = { output: ["converged"], status: "converged" }
      expect(result.output).toEqual([one, one])
    })
  )

  it.effect("is corrupt if the note of its end was changed", () =>
    Effect.gen(function* () {
      const family = familyOf(rests)
      const store = yield* endingStore(family)
      const changed: Store = {
        ...store,
        kept: (jobId) =>
          Effect.map(store.kept(jobId), (all) =>
            all.map((kept) => ({ ...kept, text: kept.text.replace("cancelled", "failed") }))
          )
      }
      const error = yield* Effect.flip(startIn(family, changed))
      expect(error).toMatchObject({ _tag: "JournalCorrupt", part: "kept", expected: "an end that was written" })
      expect(yield* statusesOf(store)).toEqual([undefined])
    })
  )
})

describe("a job that is cancelled by its id, while no engine holds it,", () => {
  it.effect("ends in one way, whichever write died with the process that cancelled it", () =>
    Effect.gen(function* () {
      let isWhole = false
      const found: Array<string> = []
      for (let at = 0; !isWhole; at++) {
        const family = familyOf(rests)
        const store = yield* journalStore
        const { close, use } = yield* openEngine(family.layer(store))
        yield* use(Engine.start(family.program, {}, { id: "job" }))
        yield* until(() => family.gate.waiting === 2)
        yield* turns(10)
        yield* close
        const { killed, seen } = killedAtWrite(store, at)
        const end = (jobId: string): ReturnType<typeof endOrAsk> => endOrAsk(killed, jobId, end)
        yield* Effect.exit(end("job"))
        isWhole = !seen.isDead
        family.gate.isOpen = true
        const { error } = yield* startIn(family, freed(store))
        found.push(error?._tag ?? "converged")
        expect((yield* store.list({ status: "unfinished" })).jobs).toEqual([])
      }
      expect(found).toEqual(["converged", ...Array.from({ length: found.length - 1 }, () => "JobCancelled")])
      expect(found.length).toBeGreaterThan(7)
    })
  )
})

describe("a job whose store does not take the note of its end", () => {
  it.effect("is left in its journal with its children, and all of them end when the store takes it", () =>
    Effect.gen(function* () {
      for (const isLost of [false, true]) {
        const store = yield* journalStore
        let isFaulty = true
        const full = Effect.fail(new JobStore.StoreError({ reason: "full", message: "the disk is full" }))
        const faulty: Store = {
          ...store,
          keep: (jobId, fence, kept) => {
            const write = store.keep(jobId, fence, kept)
            if (!isFaulty || kept.key !== "/end") return write
            isFaulty = false
            return isLost ? Effect.andThen(write, full) : full
          }
        }
        const { close, job } = yield* cancelledOn(familyOf(rests), faulty)
        expect((yield* Effect.flip(job.result))._tag).toBe("JobCancelled")
        expect(yield* statusesOf(store), "left as it was").toEqual([undefined])
        yield* TestClock.adjust("1 second")
        expect(yield* statusesOf(store), "ended when the store is asked again").toEqual(["cancelled"])
        yield* close
      }
    })
  )

  it.effect("goes on when it is resumed, if nobody has cancelled it", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const full = Effect.fail(new JobStore.StoreError({ reason: "full", message: "the disk is full" }))
      const family = familyOf(waits, { maxDuration: "1 second" })
      const way = ways.find(({ error }) => error === "BudgetExhausted")!
      yield* lifeOf(family, way, { ...store, keep: () => full }, () => false)
      expect(yield* statusesOf(store)).toEqual([undefined])
      expect(yield* store.load("job")).toMatchObject({ isHeld: false, attempts: { count: 1, failure: "full" } })
      family.gate.isOpen = true
      const { result } = yield* startIn(family, store)
      expect(result.status).toBe("converged")
      expect(yield* statusesOf(store)).toEqual(["converged"])
    })
  )

  it.effect("answers its parent when it has been taken up again, if it is a child itself", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const full = Effect.fail(new JobStore.StoreError({ reason: "full", message: "the disk is full" }))
      const family = familyOf(waits, { maxDuration: "1 second" })
      const seen = { refused: 0 }
      const faulty: Store = {
        ...store,
        keep: (...args) => (seen.refused++ === 0 ? full : store.keep(...args))
      }
      const above = Program.make("above", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            execute: () => Effect.succeed({ intents: [Intent.child(family.program, {}, { onFailure: "report" })] })
          })
        ],
        output: (view) => view.all(Intent.ChildResult).map(({ value: { status } }) => status)
      })
      const { close, use } = yield* openEngine(family.layer(faulty))
      const job = yield* use(Engine.start(above, {}, { id: "job" }))
      yield* until(() => family.gate.waiting === 2)
      yield* turns(10)
      family.gate.isOpen = true
      yield* TestClock.adjust("1 second")
      yield* until(() => seen.refused === 1)
      yield* turns(10)
      yield* TestClock.adjust("1 second")
      expect((yield* job.result).output).toEqual(["converged"])
      expect(yield* statusesOf(store)).toEqual(["converged"])
      yield* close
    })
  )
})

describe("a job whose last row says that it fails", () => {
  it.effect("fails also if its process died before it ended, and somebody cancels it then", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const closed = Effect.fail(new JobStore.StoreError({ reason: "closed", message: "the process died" }))
      const family = familyOf(() => Effect.andThen(turns(30), Effect.fail("down")))
      const first = yield* startIn(family, { ...store, halt: () => closed })
      expect(first.error?._tag).toBe("AgentFailed")
      expect(yield* statusesOf(store)).toEqual([undefined])
      const end = (jobId: string): ReturnType<typeof endOrAsk> => endOrAsk(store, jobId, end)
      yield* end("job")
      expect(yield* statusesOf(store)).toEqual(["cancelled", "failed"])
      expect(comparable(yield* startIn(family, store))).toEqual(comparable(first))
    })
  )
})
