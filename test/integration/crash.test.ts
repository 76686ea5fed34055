/**
 * G11, durable: processes that run jobs are killed, at every moment that could matter and at moments that a seed decides,
 * several times in a row. `npm run soak -- --kills 1000` does the latter for long.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { randomOf } from "../support/core/random.ts"
import { type Blow, killAll } from "../support/crash/harness.ts"
import { type Point, sqlPoints } from "../support/crash/points.ts"

const root = mkdtempSync(join(tmpdir(), "converge-crash-"))
const cache = process.env["NODE_COMPILE_CACHE"] ?? join(root, "cache")
afterAll(() => rmSync(root, { recursive: true }))

const folderOf = (name: string): string => {
  const folder = join(root, name)
  mkdirSync(folder)
  return folder
}

/** The points at which the processes of one set of jobs are killed in turn, and for the how manieth time they come there. */
const sets: Readonly<Record<string, ReadonlyArray<readonly [Point, number]>>> = {
  "while jobs begin": [
    ["in the making of the tables", 3],
    ["before a creation", 3],
    ["in the creation's transaction", 2],
    ["after a creation", 3]
  ],
  "while rows are written": [
    ["before a row", 4],
    ["in a row's transaction", 5],
    ["before COMMIT", 16],
    ["after COMMIT, before it is said", 16],
    ["after a row", 6],
    ["after the transition that follows a row", 7]
  ],
  "while effects are kept": [
    ["before a kept effect", 9],
    ["in a kept effect's transaction", 5],
    ["after a kept effect", 9]
  ],
  "while intents are performed": [
    ["before an act", 2],
    ["after an act", 1],
    ["after an act", 9],
    ["before a row with answers", 3],
    ["after a row with answers", 2]
  ],
  "while jobs are taken up": [
    ["after a row", 40],
    ["before a look at a journal", 3],
    ["before a lease", 3],
    ["in a lease's transaction", 3],
    ["after a lease", 2],
    ["after a look at a journal", 4],
    ["in a replay", 6],
    ["after a replay", 5],
    ["before a row", 1]
  ],
  "while jobs end": [
    ["before an end", 1],
    ["in the end's transaction", 2],
    ["after an end", 2],
    ["while jobs are let go", 1]
  ]
}

describe.concurrent("jobs whose processes are killed", () => {
  for (const [name, points] of Object.entries(sets)) {
    it(
      `${name} lose nothing that was acknowledged, and end as if nothing had happened`,
      { timeout: 120_000 },
      async () => {
        const blows = points.map(([point, hit]): Blow => ({ point, hit }))
        const report = await killAll({ folder: folderOf(name), cache, next: ({ length }) => blows[length] })
        expect(report.complaints).toEqual([])
        // A process that dies between an act and the row with its answer leaves the act to be done again.
        const unmarked = points.filter(([point]) => point === "after an act" || point === "before a row with answers")
        expect(report.actsAgain).toBeGreaterThanOrEqual(unmarked.length)
        expect(report.blown.map(({ blow, isKilled }) => [blow, isKilled])).toEqual(blows.map((blow) => [blow, true]))
      }
    )
  }

  for (const first of [1, 101]) {
    it(`at random, seeds from ${first}, lose nothing either`, { timeout: 120_000 }, async () => {
      let killed = 0
      for (let seed = first; killed < 5; seed++) {
        const random = randomOf(seed)
        const left = 5 - killed
        const next = ({ length }: { readonly length: number }): Blow | undefined =>
          length < left ? { afterMs: random.below(400) } : undefined
        const report = await killAll({ folder: folderOf(`seed ${seed}`), cache, next })
        expect(report.complaints, `seed ${seed}`).toEqual([])
        killed += report.blown.filter(({ isKilled }) => isKilled).length
      }
    })
  }
})

describe("the kills", () => {
  it("are at all points within a transaction", () => {
    const points = Object.values(sets).flatMap((set) => set.map(([point]) => point))
    expect(Object.keys(sqlPoints).filter((point) => !points.some((known) => known === point))).toEqual([])
  })
})
