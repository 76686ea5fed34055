/** Indexes of a ledger's tables beside a naive model: every fact with a key, in commit order, whatever happens to the table. */
import { describe, expect, it } from "vitest"
import * as Schema from "effect/Schema"
import { Fact } from "../../src/index.ts"
import { Ledger } from "../../src/context/Ledger.ts"
import { eraseKind } from "../../src/program/erased.ts"
import { emptyLedger, prune, put } from "../support/core/ledger.ts"
import { randomOf } from "../support/core/random.ts"

interface Tagged {
  readonly id: string
  readonly tags: ReadonlyArray<string>
  readonly n: number
}

let calls = 0

const Thing = Fact.kind("Thing", {
  schema: Schema.Struct({ id: Schema.String, tags: Schema.Array(Schema.String), n: Schema.Int }),
  id: ({ id }) => id,
  conflict: "keepLast",
  retention: { latest: 40 },
  indexes: {
    tag: ({ tags }) => tags,
    rest: ({ n }) => n % 3,
    even: ({ n }) => {
      calls++
      return n % 2 === 0
    }
  }
})

const tags = ["a", "b", "c", "d"]

const expectIndexed = (ledger: Ledger): void => {
  const all = ledger.all(Thing)
  const with_ = (has: (value: Tagged) => boolean) => all.filter(({ value }) => has(value))
  for (const tag of [...tags, "none"]) {
    expect(ledger.by(Thing, "tag", tag)).toEqual(with_((value) => value.tags.includes(tag)))
  }
  for (const rest of [0, 1, 2, 3]) expect(ledger.by(Thing, "rest", rest)).toEqual(with_(({ n }) => n % 3 === rest))
  for (const even of [true, false]) {
    expect(ledger.by(Thing, "even", even)).toEqual(with_(({ n }) => (n % 2 === 0) === even))
  }
}

describe("an index", () => {
  it("has every live fact with a key in commit order, through revisions, rollbacks, pruning and layers", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { below } = randomOf(seed)
      let ledger = emptyLedger()
      let safe = 0
      const value = (): Tagged => ({
        id: `t${below(60)}`,
        tags: tags.filter(() => below(3) === 0).flatMap((tag) => (below(4) === 0 ? [tag, tag] : [tag])),
        n: below(100)
      })
      for (let step = 0; step < 60; step++) {
        const act = below(10)
        const before = ledger.version
        for (let count = below(8); count > 0; count--) put(ledger, Thing, value())
        // A lookup between a write and its rollback sees the state of the moment, and must not spoil the one after.
        if (below(2) === 0) expectIndexed(ledger)
        if (act < 4) ledger.rollback(Math.max(safe, before - (act === 0 ? below(5) : 0)))
        else if (act === 4) {
          prune(ledger, [eraseKind(Thing)])
          safe = ledger.version
        } else if (act === 5 && below(3) === 0) {
          ledger = emptyLedger(ledger.seal())
          safe = ledger.version
        }
        expectIndexed(ledger)
      }
    }
  })

  it("hands out a frozen array, the same one until the kind changes", () => {
    const ledger = emptyLedger()
    put(ledger, Thing, { id: "1", tags: ["a"], n: 1 })
    const first = ledger.by(Thing, "tag", "a")
    expect(Object.isFrozen(first)).toBe(true)
    expect(Object.isFrozen(ledger.by(Thing, "tag", "none"))).toBe(true)
    expect(ledger.by(Thing, "tag", "a")).toBe(first)
    put(ledger, Thing, { id: "2", tags: ["a"], n: 1 })
    expect(ledger.by(Thing, "tag", "a").map(({ id }) => id)).toEqual(["1", "2"])
    expect(first.map(({ id }) => id)).toEqual(["1"])
  })

  it("asks its function once for each fact, also across layers", () => {
    const ledger = emptyLedger()
    for (let n = 0; n < 30; n++) put(ledger, Thing, { id: `t${n}`, tags: [], n })
    calls = 0
    ledger.by(Thing, "even", true)
    ledger.by(Thing, "even", false)
    expect(calls).toBe(30)
    put(ledger, Thing, { id: "more", tags: [], n: 0 })
    ledger.by(Thing, "even", true)
    expect(calls).toBe(31)
    const base = ledger.seal()
    const [left, right] = [emptyLedger(base), emptyLedger(base)]
    put(right, Thing, { id: "right", tags: [], n: 0 })
    expect(left.by(Thing, "even", true)).toHaveLength(16)
    expect(right.by(Thing, "even", true)).toHaveLength(17)
    expect(calls).toBe(32)
  })

  it("keeps a lookup's cost that of the live facts, however often they are revised", () => {
    const ledger = emptyLedger()
    const erased = eraseKind(Thing)
    for (let n = 0; n < 2_000; n++) {
      put(ledger, Thing, { id: `t${n % 5}`, tags: ["a"], n })
      expect(ledger.by(Thing, "tag", "a")).toHaveLength(Math.min(n + 1, 5))
    }
    const table = (
      ledger as unknown as { tables: Map<string, import("../../src/context/factTable.ts").Table> }
    ).tables.get("Thing")!
    let asked = 0
    const { isLive } = table
    table.indexOf(erased.indexes["tag"]!, "").find(
      {
        log: table.log,
        isClean: false,
        isLive: (entry) => {
          asked++
          return isLive(entry)
        }
      },
      "a"
    )
    expect(asked).toBeLessThan(30)
  })
})
