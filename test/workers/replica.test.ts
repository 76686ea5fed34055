/** A job as a worker sees it: the same as the main thread, at the cost of what is new. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Limits, WorkerPool } from "../../src/index.ts"
import { ReplicaUpdate, type Mark, markOf, origin, type UpdateHead } from "../../src/workers/replicaUpdate.ts"
import { Replica } from "../../src/workers/replica.ts"
import { prune } from "../support/core/ledger.ts"
import { pulse } from "../support/pulse.ts"
import { batch, execute, newLedger, pool, program, put, said, task } from "../support/workers/harness.ts"
import { Hidden, Item, Recent } from "../support/workers/programs.ts"
import type { Ledger } from "../../src/context/Ledger.ts"

const packetsOf = (ledger: Ledger, from: Mark) => {
  const update = new ReplicaUpdate(ledger, program, from)
  const packets = []
  for (let index = 0; update.packet(index) !== undefined; index++) packets.push(update.packet(index)!)
  return packets
}

const factsIn = (head: string): number => (JSON.parse(head) as UpdateHead).versions.length

const cost = (ledger: Ledger, from: Mark) => {
  const packets = packetsOf(ledger, from)
  const length = packets.reduce((sum, { head, texts }) => sum + head.length + texts.length, 0)
  return { facts: packets.reduce((sum, { head }) => sum + factsIn(head), 0), length, packets: packets.length }
}

const fill = (ledger: Ledger, count: number, from = 0) => {
  for (let i = from; i < from + count; i++) put(ledger, Item, { id: `i${i}`, size: i })
}

const evaluate = (ledger: Ledger, kind: string, id: string, reason: string) =>
  ledger.addEvaluation({ fact: { kind, id }, score: 0.25, reason, agent: "judge", cycle: 1 })

/** A few cycles of all that can happen to a context. Yields the ledger after each. */
function* history(base?: Ledger) {
  const ledger = newLedger(base?.seal())
  fill(ledger, 3)
  yield ledger
  for (let cycle = 1; cycle <= 6; cycle++) {
    const by = {
      cycle,
      origin: "agent",
      agent: `a${cycle % 2}`,
      since: ledger.version - 1,
      until: ledger.version
    } as const
    put(ledger, Item, { id: "i1", size: 100 + cycle }, { ...by, each: { kind: "Item", id: "i0" } })
    put(ledger, Item, { id: `new${cycle}`, size: cycle }, by)
    put(ledger, Hidden, { id: `h${cycle}` }, by)
    put(ledger, Recent, { id: `r${cycle % 5}`, size: cycle }, by)
    put(ledger, Recent, { id: `s${cycle}`, size: cycle }, by)
    evaluate(ledger, "Item", "i1", `in cycle ${cycle}`)
    evaluate(ledger, "Hidden", `h${cycle}`, "nobody sees it")
    prune(ledger, program.kinds.values())
    yield ledger
  }
}

const shown = (ledger: Ledger) => ({
  version: ledger.version,
  items: ledger.all(Item),
  recent: ledger.all(Recent),
  sizes: [ledger.size(Item), ledger.size(Recent)],
  deltas: [0, 3, 8, 11].map((since) =>
    ["Item", "Recent"].map((kind) => ledger.delta(kind, since).map((it) => it.fact))
  ),
  evaluations: ledger.all(Item).map((fact) => ledger.evaluations(fact))
})

describe("a replica", () => {
  // Followed in every cycle, in every third, and made at the end.
  for (const every of [1, 3, 7]) {
    it(`that is brought up to date every ${every} cycles shows what the ledger shows`, () => {
      const replica = new Replica(program)
      let mark = origin
      let turn = 0
      for (const ledger of history()) {
        if (++turn % every !== 0) continue
        for (const packet of packetsOf(ledger, mark)) replica.apply(packet)
        mark = markOf(ledger)
        expect(shown(replica.ledger)).toStrictEqual(shown(ledger))
        expect(replica.ledger.all(Hidden)).toEqual([])
      }
      expect(mark.version).toBeGreaterThan(20)
    })
  }

  it("of a context that stands on an earlier one has it all", () => {
    let earlier: Ledger | undefined
    for (const ledger of history()) earlier = ledger
    for (const ledger of history(earlier)) {
      const replica = new Replica(program)
      for (const packet of packetsOf(ledger, origin)) replica.apply(packet)
      expect(shown(replica.ledger)).toStrictEqual(shown(ledger))
    }
  })

  it("has the same provenance, frozen", () => {
    const ledger = newLedger()
    const each = { kind: "Item", id: "cause" }
    put(ledger, Item, { id: "cause", size: 1 })
    put(ledger, Item, { id: "effect", size: 2 }, { cycle: 4, origin: "agent", agent: "a", each, since: 0, until: 1 })
    const replica = new Replica(program)
    for (const packet of packetsOf(ledger, origin)) replica.apply(packet)
    for (const id of ["cause", "effect"]) {
      const provenance = replica.ledger.find("Item", id)?.provenance
      expect(provenance).toStrictEqual(ledger.find("Item", id)?.provenance)
      expect(Object.keys(provenance!)).toEqual(Object.keys(ledger.find("Item", id)!.provenance))
      expect(Object.isFrozen(provenance)).toBe(true)
    }
  })

  it("costs what is new, however large the context is", () => {
    const [small, large] = [1_000, 100_000].map((size) => {
      const ledger = newLedger()
      fill(ledger, size)
      const mark = markOf(ledger)
      for (let i = 0; i < 10; i++) put(ledger, Hidden, { id: `h${i}` })
      fill(ledger, 10, 1_000_000)
      return cost(ledger, mark)
    })
    expect(small).toMatchObject({ facts: 10, packets: 1 })
    expect(large!.facts).toBe(10)
    expect(large!.length).toBeLessThan(small!.length * 1.1)
  })

  it("comes in packets of a bounded size, but for a fact that is larger", () => {
    const ledger = newLedger()
    fill(ledger, 5_000)
    put(ledger, Item, { id: "x".repeat(2 * Limits.packetLength), size: 0 })
    fill(ledger, 10, 5_000)
    const packets = packetsOf(ledger, origin)
    expect(packets.length).toBeGreaterThan(15)
    for (const { head, texts } of packets) {
      const count = factsIn(head)
      expect(count).toBeLessThanOrEqual(Limits.packetFacts)
      if (count > 1) expect(texts.length).toBeLessThanOrEqual(Limits.packetLength + Limits.packetFacts)
    }
  })
})

/** CPU milliseconds that a turn of the event loop may take while a context is handed over. A slice is 5. */
const allowedMs = 25

describe("an agent on a worker", () => {
  it.live("sees what it would see inline, cycle after cycle, on new and on old threads", () =>
    Effect.gen(function* () {
      let cycle = 0
      for (const ledger of history()) {
        cycle++
        const tasks = [task("look", undefined, Math.max(0, ledger.version - 4))]
        const [pooled] = yield* execute(batch(ledger, tasks, { cycle }))
        const [inline] = yield* execute(batch(ledger, tasks, { cycle })).pipe(Effect.provide(pool(0)))
        expect(said(pooled!)).toEqual(said(inline!))
        expect(said(pooled!)).toMatchObject({ version: ledger.version, frozen: true })
        // The next cycle's thread is new, or this one.
        if (cycle % 3 === 0) yield* execute(batch(ledger, [task("exit", "i0")], { cycle }))
      }
    }).pipe(Effect.provide(pool(1)))
  )

  it.live("forgets a released job, and is told it again when it is back", () =>
    Effect.gen(function* () {
      for (const size of [1, 2]) {
        const ledger = newLedger()
        put(ledger, Item, { id: "0", size })
        const outcomes = yield* execute(batch(ledger, [task("square", "0")]))
        expect(outcomes.map(said)).toEqual([size ** 2])
        if (size === 1) yield* WorkerPool.WorkerPool.use((it) => it.release("job"))
      }
    }).pipe(Effect.provide(pool(1)))
  )

  it.live("is handed a large context in slices", () =>
    Effect.gen(function* () {
      let best = Infinity
      // The machine adds to what a turn takes, and takes nothing away.
      for (let attempt = 1; attempt <= 3 && best >= allowedMs; attempt++) {
        const ledger = newLedger()
        fill(ledger, 100_000)
        const tasks = [task("square", "i7"), task("square", "i8")]
        const { turns, value } = yield* pulse(execute(batch(ledger, tasks, { jobId: `job ${attempt}` })))
        expect(value.map(said)).toEqual([49, 64])
        expect(turns.length).toBeGreaterThan(20)
        best = Math.min(best, turns.at(-1) ?? Infinity)
      }
      expect(best).toBeLessThan(allowedMs)
    }).pipe(Effect.provide(pool(2)))
  )
})
