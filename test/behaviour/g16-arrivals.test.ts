/**
 * G16 against naive models: whatever arrives as seeds and by signals, in whatever parts, is joined and folded exactly once, also
 * when the process is killed, the job is forked, or another version goes on with it; and any number of workers gives the same.
 */
import { expect, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Engine, JobStore, Journal } from "../../src/index.ts"
import { engineOver, Pools, runArrivals, runEach, type Run } from "../support/behaviour/arrivalRun.ts"
import { Arrival, first, Model, type Outcome, outcomeOf, type Part } from "../support/behaviour/arriving.ts"
import { later } from "../support/behaviour/arrivingLater.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import {
  factsOf,
  Given,
  modelOf as settledModelOf,
  nameOf,
  settling,
  settlingArriver
} from "../support/behaviour/settling.ts"
import { randomOf } from "../support/core/random.ts"

const upTo = (most: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: most }))

const PartSchema = Schema.NonEmptyArray(Arrival).check(Schema.isMaxLength(5))
const Parts = Schema.NonEmptyArray(PartSchema).check(Schema.isMaxLength(6))

/** How each process ends: after so many rows. */
const Lives = Schema.Array(upTo(5)).check(Schema.isMaxLength(4))

/** The facts of a part have different names, as an effect must have. */
const namesOnce = (part: Part): Part => [...new Map(part.map((one) => [`${one.side}${one.id}`, one])).values()]

const modelOf = (parts: ReadonlyArray<Part>): Outcome => Model.of(parts).outcome

const always = () => first.arriver
/** Version 2 goes on from a process on. */
const laterFrom = (from: number) => (life: number) => (life < from ? first : later).arriver

/** The runs are the same to the byte. Gives the first. */
const expectSame = (runs: ReadonlyArray<{ readonly found: Run }>): Run => {
  const [one] = runs
  for (const { found } of runs) expect([found.hash, found.events]).toEqual([one!.found.hash, one!.found.events])
  return one!.found
}

const options = { arbitrary: { runs: 50 }, timeout: 120_000 }

layer(Pools.layer, { excludeTestServices: true })("joins and folds over facts that arrive in parts", (it) => {
  it.effect.prop(
    "give what a naive model gives, and the same hash and events on any number of workers",
    { parts: Parts },
    ({ parts: given }) =>
      Effect.gen(function* () {
        const parts = given.map(namesOnce)
        const { context } = expectSame(yield* runEach(always, { parts }))
        expect(outcomeOf(context)).toEqual(modelOf(parts))
      }),
    options
  )

  it.effect.prop(
    "are as if no process had been killed, in whatever cycles some were",
    { parts: Parts, lives: Lives },
    ({ lives, parts: given }) =>
      Effect.gen(function* () {
        const parts = given.map(namesOnce)
        const [pool] = yield* Pools
        const undisturbed = yield* runArrivals(yield* journalStore, pool!, always, { parts })
        const { context, events, hash } = expectSame(yield* runEach(always, { parts, lives }))
        expect([hash, events]).toEqual([undisturbed.hash, undisturbed.events])
        expect(outcomeOf(context)).toEqual(modelOf(parts))
      }),
    options
  )

  it.effect.prop(
    "are as if no process had been killed when another version of the program goes on",
    { parts: Parts, lives: Lives, from: upTo(4) },
    ({ from, lives, parts: given }) =>
      Effect.gen(function* () {
        const parts = given.map(namesOnce)
        const runs = yield* runEach(laterFrom(from + 1), { parts, lives })
        expect(outcomeOf(expectSame(runs).context)).toEqual(modelOf(parts))
        for (const { found, store } of runs) {
          const verified = yield* Effect.provideService(Journal.verify("job"), JobStore.JobStore, store)
          expect(verified).toMatchObject({ isIntact: true, hash: found.hash })
        }
      }),
    options
  )

  it.effect.prop(
    "go on from any fixed point in a fork, with facts of its own",
    { parts: Parts, more: PartSchema, at: upTo(5) },
    ({ at, more, parts: given }) =>
      Effect.gen(function* () {
        const parts = given.map(namesOnce)
        const place = at % parts.length
        const model = Model.of(parts.slice(0, place + 1))
        const added = namesOnce(more)
        model.arrive(added, true)
        const forks = yield* Effect.forEach(yield* runEach(always, { parts }), ({ found, pool, store }) =>
          Effect.gen(function* () {
            const facts = first.proposalsOf(added)
            const fork = yield* Engine.fork(first.program, "job", { id: "fork", at: found.cycles[place], facts })
            const { context, hash } = yield* fork.result
            expect(outcomeOf(context)).toEqual(model.outcome)
            return hash
          }).pipe(Effect.provide(engineOver(store, pool)))
        )
        expect(new Set(forks).size).toBe(1)
      }),
    options
  )

  it.effect("take out what an agent revised in the last cycle of an earlier version", () =>
    Effect.gen(function* () {
      const left = (id: number, v: number) => ({ side: "left", id, keys: [], v }) as const
      const parts = [[left(5, 1)], [left(0, 0), left(2, 1)]]
      const { context } = expectSame(yield* runEach(laterFrom(1), { parts, lives: [3] }))
      expect(outcomeOf(context)).toEqual(modelOf(parts))
      expect(outcomeOf(context).facts["Whole"]).toEqual(["all=2"])
    })
  )

  it.effect("take out what retention pruned in the last cycle of an earlier version, also after the next one", () =>
    Effect.gen(function* () {
      const parts = [[0, 1, 2, 3, 4, 5].map((id) => ({ side: "right", id, key: 0, v: id + 1 }) as const)]
      for (const lives of [[1], [1, 0], [1, 0, 1]]) {
        const { context } = expectSame(yield* runEach(laterFrom(1), { parts, lives }))
        expect(outcomeOf(context)).toEqual(modelOf(parts))
        expect(outcomeOf(context).facts["RightSum"]).toEqual(["k0=18"])
      }
    })
  )
})

/** Facts in parts. A part has each name once, so a fact whose name its part has goes to the next one. */
const inParts = (all: ReadonlyArray<Given>, sizes: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<Given>> => {
  const parts: Array<Array<Given>> = []
  let left = [...all]
  for (let turn = 0; left.length > 0; turn++) {
    const part = new Map<string, Given>()
    const rest: Array<Given> = []
    for (const one of left) {
      if (part.size < (sizes[turn] ?? Infinity) && !part.has(nameOf(one))) part.set(nameOf(one), one)
      else rest.push(one)
    }
    parts.push([...part.values()])
    left = rest
  }
  return parts
}

layer(Pools.layer, { excludeTestServices: true })("a program whose kinds combine lawfully", (it) => {
  it.effect.prop(
    "comes to the same facts in whatever order and parts they arrive, by seeds, signals and further jobs",
    {
      all: Schema.NonEmptyArray(Given).check(Schema.isMaxLength(14)),
      sizes: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 }))).check(Schema.isMaxLength(5)),
      lives: Lives,
      order: upTo(1_000)
    },
    ({ all, lives, order, sizes }) =>
      Effect.gen(function* () {
        const model = settledModelOf(all)
        const parts = inParts(randomOf(order).shuffle(all), sizes)
        const signalled = expectSame(yield* runEach(() => settlingArriver, { parts, lives }))
        expect(factsOf(signalled.context)).toEqual(model)
        const [pool] = yield* Pools
        let context: Engine.StartOptions["context"]
        for (const seeds of inParts(all, [...sizes].reverse())) {
          const engine = engineOver(yield* journalStore, pool!)
          const error = yield* Effect.flip(
            Effect.flatMap(Engine.start(settling, { seeds }, { context }), (job) =>
              Effect.andThen(job.until("awaiting"), Effect.andThen(job.cancel, job.result))
            )
          ).pipe(Effect.provide(engine))
          if (!("partial" in error) || error.partial === undefined) return yield* Effect.die(error)
          ;({ context } = error.partial)
        }
        expect(factsOf(context!)).toEqual(model)
      }),
    options
  )
})
