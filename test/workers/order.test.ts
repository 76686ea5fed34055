/** The same outcomes in the same order, whatever runs them and whatever ends first (G3). */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { CpuProgress } from "../../src/workers/WorkerPool.ts"
import { SimulatedPool } from "../../src/testing/simulation/SimulatedPool.ts"
import { World } from "../../src/testing/simulation/World.ts"
import { batch, effectOf, execute, ledgerOf, pool, said, task } from "../support/workers/harness.ts"

describe("outcomes", () => {
  it.live("are in the order of the tasks, whatever the order of completion", () =>
    Effect.gen(function* () {
      const sizes = [120, 1, 60, 1, 1, 30, 1, 1]
      const inOrder = sizes.map((_, index) => index)
      const tasks = sizes.map((_, index) => task("slow", String(index)))
      let isOther = false
      // On a busy machine, the first thread may do everything before the second one has started.
      for (let attempt = 0; attempt < 10 && !isOther; attempt++) {
        const ends: Array<number> = []
        const onProgress = (it: CpuProgress) => void (it._tag === "Ended" && ends.push(it.task))
        const outcomes = yield* execute(batch(ledgerOf(...sizes), tasks, { onProgress }))
        expect(outcomes.map(said)).toEqual(sizes)
        expect(ends.toSorted((a, b) => a - b)).toEqual(inOrder)
        isOther = ends.some((end, place) => end !== place)
      }
      expect(isOther).toBe(true)
    }).pipe(Effect.provide(pool(3)))
  )

  it.live("are equal inline and on 1, 2 and 4 workers, down to kinds, texts and frozen values", () =>
    Effect.gen(function* () {
      const agents = ["square", "big", "throws", "functions", "slow", "cyclic", "talk"]
      const ledger = ledgerOf(3, 300, 1)
      const tasks = agents.flatMap((agent) => ["0", "1", "2"].map((id) => task(agent, id)))
      const run = (size: number) => execute(batch(ledger, tasks)).pipe(Effect.provide(pool(size)))
      const inline = (yield* run(0)).map(comparable)
      expect(inline.some((outcome) => outcome.includes('"_tag"'))).toBe(true)
      for (const size of [1, 2, 4]) expect((yield* run(size)).map(comparable)).toEqual(inline)
      const kind = effectOf((yield* run(1))[0]!).facts[0]!
      expect(kind.kind).toBe(tasks[0]!.agent.writes[0])
      expect(Object.isFrozen(kind.value)).toBe(true)
    })
  )

  it.live("are equal in a simulated world, whichever workers die", () =>
    Effect.gen(function* () {
      const agents = ["square", "big", "throws", "functions", "cyclic"]
      const ledger = ledgerOf(3, 300, 1)
      const tasks = agents.flatMap((agent) => ["0", "1", "2"].map((id) => task(agent, id)))
      const inline = (yield* execute(batch(ledger, tasks)).pipe(Effect.provide(pool(0)))).map(comparable)
      for (const fault of ["claimed", "running", "unsent", "late"] as const) {
        const faults = [1, 2, 5, 9].map((claim) => ({ claim, fault }))
        const world = new World({ seed: 1 })
        const twin = new SimulatedPool(world, { workers: 3, pool: faults, delayMs: 2 })
        const ran = world.run(twin.open().execute(batch(ledger, tasks)))
        const outcomes = ran._tag === "Ended" ? yield* ran.exit : []
        expect(outcomes.map(comparable)).toEqual(inline)
        expect(twin.met).toEqual([fault, fault, fault, fault])
      }
    })
  )

  it.live("are none for no tasks", () =>
    Effect.gen(function* () {
      expect(yield* execute(batch(ledgerOf(), []))).toEqual([])
    }).pipe(Effect.provide(pool(1)))
  )
})

describe("progress", () => {
  for (const size of [0, 1]) {
    it.live(`is reported with the task and its worker, bounded (${size} threads)`, () =>
      Effect.gen(function* () {
        const heard: Array<CpuProgress> = []
        const tasks = [task("talk", "0"), task("talk", "1")]
        yield* execute(batch(ledgerOf(2, 0), tasks, { onProgress: (it) => void heard.push(it) }))
        const of = (index: number) => heard.filter((it) => it.task === index)
        const values = (index: number) => of(index).flatMap((it) => (it._tag === "Progress" ? [it.value] : []))
        expect(values(0)).toEqual([{ step: 0 }, { step: 1 }, "bigint"])
        expect(values(1)).toEqual(["bigint"])
        expect(of(0).at(0)).toEqual({ _tag: "Claimed", task: 0, worker: size })
        expect(of(0).at(-1)).toEqual({ _tag: "Ended", task: 0, worker: size })
      }).pipe(Effect.provide(pool(size)))
    )
  }

  it.live("is lost under pressure, and nothing else is", () =>
    Effect.gen(function* () {
      let heard = 0
      const onProgress = (it: CpuProgress) => void (it._tag === "Progress" && heard++)
      const outcomes = yield* execute(batch(ledgerOf(200_000), [task("talk", "0")], { onProgress }))
      expect(outcomes.map(said)).toEqual(["talked"])
      expect(heard).toBeGreaterThan(0)
      expect(heard).toBeLessThan(100_000)
    }).pipe(Effect.provide(pool(1)))
  )
})

/** All that counts of an outcome, as text; stacks and time aside. */
const comparable = ({ result }: { readonly result: unknown }): string =>
  JSON.stringify(result, (key, value: unknown) => {
    if (key === "stack") return undefined
    return key === "kind" && typeof value === "object" ? (value as { readonly name: string }).name : value
  })
