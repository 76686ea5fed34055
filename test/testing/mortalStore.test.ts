/** The store of a process that is killed: it loses a write and all that come after it, and leases can be taken again. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mortal } from "../../src/testing/mortalStore.ts"
import { JobStore } from "../../src/index.ts"

const newJob = (jobId: string): JobStore.NewJob => ({
  jobId,
  program: "p",
  createdAt: 0,
  text: () => "{}",
  hash: "h",
  header: () => "{}",
  base: undefined
})

const idsIn = (store: JobStore.JobStore["Service"]) =>
  Effect.map(store.list(), ({ jobs }) => jobs.map(({ jobId }) => jobId).toSorted())

describe("a mortal store", () => {
  it.effect("takes so many writes, and then none", () =>
    Effect.gen(function* () {
      const journal = yield* JobStore.JobStore
      const { isDead, store, writes } = mortal(journal, 2)
      yield* store.create(newJob("a"))
      yield* store.create(newJob("b"))
      expect(isDead()).toBe(false)
      expect(yield* Effect.flip(store.create(newJob("c")))).toMatchObject({ reason: "closed" })
      expect(yield* Effect.flip(store.note("a", 1, "late"))).toMatchObject({ reason: "closed" })
      expect([isDead(), writes(), yield* idsIn(journal)]).toEqual([true, 3, ["a", "b"]])
    }).pipe(Effect.provide(JobStore.layerMemoryJournal))
  )

  it.effect("writes nothing after its end, and leaves its jobs to the next process", () =>
    Effect.gen(function* () {
      const journal = yield* JobStore.JobStore
      const { die, store } = mortal(journal)
      const fence = yield* store.create(newJob("a"))
      die()
      expect(yield* Effect.flip(store.keep("a", fence, { cycle: 1, key: "k", text: "{}" }))).toMatchObject({
        reason: "closed"
      })
      expect(yield* Effect.flip(store.lease("a"))).toMatchObject({ reason: "closed" })
      expect(yield* journal.kept("a")).toEqual([])
      yield* store.release("a", fence)
      expect(yield* journal.lease("a")).toBe(fence + 1)
    }).pipe(Effect.provide(JobStore.layerMemoryJournal))
  )
})
