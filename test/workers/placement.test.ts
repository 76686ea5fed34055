/** Agents that may run in either place: cheap ones here, dear ones on workers, the same outcomes wherever that is. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { CostModel } from "../../src/workers/costModel.ts"
import { lackingAfter } from "../../src/workers/replicaUpdate.ts"
import type { CpuProgress } from "../../src/workers/WorkerPool.ts"
import { batch, execute, ledgerOf, pool, said, task } from "../support/workers/harness.ts"

/** Has the agent that runs anywhere run some tasks, each for as many milliseconds; where each one ran. */
const run = (...sizes: ReadonlyArray<number>) =>
  execute(
    batch(
      ledgerOf(...sizes),
      sizes.map((_, index) => task("anywhere", String(index)))
    )
  ).pipe(Effect.map((outcomes) => outcomes.map(said)))

/** Runs cheap batches until what was learned of first, slow calls is outweighed: several in a row have been here. */
const untilHere = (count: number, inRow = 8): ReturnType<typeof run> =>
  Effect.flatMap(run(...many(count, 0)), (places) => {
    const isHere = places.every((place) => place === "here")
    return isHere && inRow === 1 ? Effect.succeed(places) : untilHere(count, isHere ? inRow - 1 : 8)
  })

const many = (count: number, size: number) => Array.from({ length: count }, () => size)

describe("an agent that may run anywhere", () => {
  it.live("goes to a worker while nothing is known of it, and comes here when it turns out to be cheap", () =>
    Effect.gen(function* () {
      expect(yield* run(...many(8, 0))).toEqual(many(8, 0).map(() => "away"))
      expect(yield* untilHere(8)).toHaveLength(8)
    }).pipe(Effect.provide(pool(2)))
  )

  it.live("stays on the workers while it is dear", () =>
    Effect.gen(function* () {
      for (let i = 0; i < 4; i++) expect(new Set(yield* run(...many(8, 10)))).toEqual(new Set(["away"]))
    }).pipe(Effect.provide(pool(4)))
  )

  it.live("is sent away in the middle of a batch that is much slower than it was expected to be", () =>
    Effect.gen(function* () {
      yield* untilHere(32)
      const slow = yield* run(...many(32, 4))
      expect([slow[0], slow.at(-1)]).toEqual(["here", "away"])
      expect(slow.filter((place) => place === "here").length).toBeLessThan(16)
      expect(new Set(yield* run(...many(32, 4)))).toEqual(new Set(["away"]))
    }).pipe(Effect.provide(pool(4)))
  )

  it.live("is here where there are no threads", () =>
    Effect.gen(function* () {
      expect(yield* run(0, 0)).toEqual(["here", "here"])
    }).pipe(Effect.provide(pool(0)))
  )

  it.live("shares a cycle with others: outcomes and progress keep their places", () =>
    Effect.gen(function* () {
      const heard: Array<CpuProgress> = []
      const tasks = [task("square", "0"), task("anywhere", "1"), task("square", "2"), task("anywhere", "2")]
      const ledger = ledgerOf(2, 0, 3)
      for (let i = 0; i < 8; i++) {
        heard.length = 0
        const onProgress = (it: CpuProgress) => void heard.push(it)
        const outcomes = yield* execute(batch(ledger, tasks, { onProgress }))
        expect([said(outcomes[0]!), said(outcomes[2]!)]).toEqual([4, 9])
        expect(["here", "away"]).toContain(said(outcomes[1]!))
        const ended = heard.flatMap((it) => (it._tag === "Ended" ? [it.task] : []))
        expect(ended.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
        const claimed = heard.flatMap((it) => (it._tag === "Claimed" ? [it.task] : []))
        expect(claimed.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3])
      }
    }).pipe(Effect.provide(pool(2)))
  )
})

const [a, b] = [task("square", "0").agent, task("slow", "0").agent]

describe("costs", () => {
  it("send what is unknown away, what is cheap here and what is dear away", () => {
    const costs = new CostModel(2)
    expect(costs.choose(a, 64)).toBe("threads")
    costs.noteTasks(a, 64, 64 * 0.001)
    expect(costs.choose(a, 64)).toBe("inline")
    costs.noteTasks(b, 64, 64)
    expect(costs.choose(b, 64)).toBe("threads")
    // One task has nobody to share the work with.
    expect(costs.choose(b, 1)).toBe("inline")
  })

  it("go by what was measured, by the size of the batch", () => {
    const costs = new CostModel(2)
    costs.noteBatch(a, "inline", 64, 6.4)
    costs.noteBatch(a, "threads", 64, 3.2)
    expect(costs.choose(a, 64)).toBe("threads")
    costs.noteBatch(a, "inline", 2, 0.05)
    costs.noteBatch(a, "threads", 2, 0.2)
    expect(costs.choose(a, 2)).toBe("inline")
    expect(costs.choose(a, 100)).toBe("threads")
  })

  it("weigh the facts that the threads would have to be sent first", () => {
    const costs = new CostModel(2)
    costs.noteBatch(a, "inline", 64, 32)
    costs.noteBatch(a, "threads", 64, 16)
    expect(costs.choose(a, 64)).toBe("threads")
    expect(costs.choose(a, 64, 1_000)).toBe("threads")
    expect(costs.choose(a, 64, 200_000)).toBe("inline")
    // An estimate of the threads has the facts in it, too.
    costs.noteBatch(b, "inline", 64, 32)
    expect(costs.choose(b, 64, 200_000)).toBe("inline")
  })

  it("do not hold against the threads what they were sent once", () => {
    const costs = new CostModel(2)
    costs.noteBatch(a, "inline", 64, 32)
    costs.noteBatch(a, "threads", 64, 96, 20_000)
    expect(costs.choose(a, 64, 200_000)).toBe("inline")
    expect(costs.choose(a, 64)).toBe("threads")
    // An estimate that is too high leaves the batch a time of its own.
    costs.noteBatch(b, "inline", 64, 32)
    costs.noteBatch(b, "threads", 64, 400, 200_000)
    expect(costs.choose(b, 64)).toBe("inline")
  })

  it("know how much a replica lacks, by kinds and by version", () => {
    const ledger = ledgerOf(0, 0, 0, 0)
    const { program } = batch(ledger, [])
    expect(lackingAfter(ledger, program, 0)).toBe(4)
    expect(lackingAfter(ledger, program, 3)).toBe(1)
    expect(lackingAfter(ledger, program, ledger.version)).toBe(0)
  })

  it("try the other place now and then, the less often the more it costs", () => {
    const costs = new CostModel(2)
    costs.noteBatch(a, "inline", 8, 0.8)
    costs.noteBatch(a, "threads", 8, 0.8)
    const chosen = Array.from({ length: 400 }, () => costs.choose(a, 8))
    expect(chosen.filter((site) => site === "threads")).toHaveLength(3)
    costs.noteBatch(b, "inline", 8, 0.8)
    costs.noteBatch(b, "threads", 8, 8)
    const often = Array.from({ length: 8_300 }, () => costs.choose(b, 8))
    expect(often.filter((site) => site === "threads")).toHaveLength(1)
  })

  it("try this place more often than the threads, which have to catch up first", () => {
    const costs = new CostModel(2)
    costs.noteBatch(a, "threads", 8, 0.8)
    costs.noteBatch(a, "inline", 8, 1)
    const chosen = Array.from({ length: 400 }, () => costs.choose(a, 8))
    expect(chosen.filter((site) => site === "inline").length).toBeGreaterThan(6)
  })

  it("believe the workers again after a while, when a cheap task had one very bad moment here", () => {
    const costs = new CostModel(2)
    costs.noteTasks(a, 8, 0.008)
    costs.noteBatch(a, "threads", 8, 0.4)
    expect(costs.choose(a, 8)).toBe("inline")
    costs.noteBatch(a, "inline", 8, 80)
    const chosen = Array.from({ length: 64 }, () => costs.choose(a, 8))
    expect(chosen.slice(0, 31)).not.toContain("inline")
    expect(chosen).toContain("inline")
  })

  it("never let a task that takes milliseconds hold the event loop, not even to try", () => {
    const costs = new CostModel(1)
    costs.noteTasks(a, 1, 5)
    expect(costs.choose(a, 1)).toBe("threads")
    costs.noteBatch(b, "inline", 8, 16)
    costs.noteBatch(b, "threads", 8, 15)
    expect(new Set(Array.from({ length: 1_000 }, () => costs.choose(b, 8)))).toEqual(new Set(["threads"]))
  })
})
