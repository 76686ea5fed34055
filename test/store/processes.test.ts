/** Several processes on one file, and processes that end in every way. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Answer } from "../support/store/child.ts"
import { newJob, openStore, reasonOf, row, withFile } from "../support/store/harness.ts"
import { ask, child, ended, kill, lines, ready } from "../support/store/processes.ts"

const cyclesOf = (filename: string) =>
  Effect.gen(function* () {
    const { store } = yield* openStore({ filename })
    const rows = yield* Stream.runCollect(store.rows("a", 0))
    return rows.map(({ cycle }) => cycle)
  })

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

describe("two processes on one file", () => {
  it.live("take a job from each other, and no cycle is committed twice", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const { store } = yield* openStore({ filename })
        yield* store.create(newJob("a"))
        const processes = [
          yield* child(filename, "normal", "serve"),
          yield* child(filename, "normal", "serve")
        ] as const
        yield* Effect.all(processes.map(ready), { concurrency: "unbounded" })
        let acknowledged = 0
        let fenced = 0
        const note = (answer: Answer) => {
          if (answer.kind === "done") acknowledged++
          else fenced++
          return answer
        }
        let held = yield* ask(processes[0], { kind: "take", jobId: "a" })
        note(held)
        for (let turn = 1; turn <= 100; turn++) {
          if (held.kind !== "done") return expect(held).toMatchObject({ kind: "done" })
          const [loser, winner] = turn % 2 === 1 ? processes : ([processes[1], processes[0]] as const)
          const last: Extract<Answer, { kind: "done" }> = held
          // Both at once: the loser may still be in time, or not.
          const [late, taken]: readonly [Answer, Answer] = yield* Effect.all(
            [
              ask(loser, { kind: "append", jobId: "a", fence: last.fence, cycle: last.cycle + 1 }),
              ask(winner, { kind: "take", jobId: "a" })
            ],
            { concurrency: "unbounded" }
          )
          note(late)
          note(taken)
          const lost = yield* ask(loser, { kind: "append", jobId: "a", fence: last.fence, cycle: last.cycle + 2 })
          expect(lost).toEqual({ kind: "refused", reason: "fenced" })
          if (late.kind === "refused") expect(late.reason).toBe("fenced")
          if (taken.kind === "done") held = taken
          expect(taken.kind).toBe("done")
        }
        const rows = yield* Stream.runCollect(store.rows("a", 0))
        expect(rows.map(({ cycle }) => cycle)).toEqual(upTo(acknowledged))
        expect(acknowledged + fenced).toBe(201)
        for (const process of processes) {
          process.send({ kind: "end" })
          expect(yield* Effect.promise(() => ended(process))).toBe(0)
        }
      })
    )
  )

  it.live("hold a job until they end, and what one held before it was killed is free at once", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const holder = yield* child(filename, "full", "hold")
        yield* Effect.promise(() => lines(holder, 1))
        const { store } = yield* openStore({ filename })
        expect(yield* reasonOf(store.lease("a"))).toBe("held")
        expect(yield* store.load("a")).toMatchObject({ isHeld: true })
        yield* Effect.promise(() => kill(holder))
        expect(yield* store.load("a")).toMatchObject({ isHeld: false })
        const fence = yield* store.lease("a")
        yield* store.append("a", fence, row(1))
      })
    )
  )
})

describe("a process that is killed", () => {
  for (const durability of ["full", "normal"] as const) {
    it.live(`has lost nothing that was acknowledged, with durability ${durability}`, () =>
      withFile((filename) =>
        Effect.gen(function* () {
          const writer = yield* child(filename, durability, "write")
          const said = yield* Effect.promise(() => lines(writer, 200))
          yield* Effect.promise(() => kill(writer))
          const cycles = yield* cyclesOf(filename)
          expect(cycles.length).toBeGreaterThanOrEqual(said.length)
          expect(cycles).toEqual(upTo(cycles.length))
        })
      )
    )
  }
})

describe("a process that ends", () => {
  for (const durability of ["full", "normal", "exit"] as const) {
    it.live(`with its store closed has written all, with durability ${durability}`, () =>
      withFile((filename) =>
        Effect.gen(function* () {
          const writer = yield* child(filename, durability, "write-and-close")
          expect(yield* Effect.promise(() => ended(writer))).toBe(0)
          expect(yield* cyclesOf(filename)).toEqual(upTo(1_000))
        })
      )
    )
  }

  it.live("is not kept alive by a store with nothing to do", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        const idle = yield* child(filename, "exit", "idle")
        idle.disconnect()
        expect(yield* Effect.promise(() => ended(idle))).toBe(0)
        expect(yield* cyclesOf(filename)).toEqual([1])
      })
    )
  )
})
