/** How a viewer is sent what comes one by one, and what is there already. */
import { describe, expect, it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { Engine } from "../../src/index.ts"
import { viewOf } from "../../src/job/jobHandle.ts"
import { piecesOf } from "../../src/server/viewer.ts"
import { engine } from "../support/behaviour/harness.ts"
import { count } from "../support/server/programs.ts"

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => n + from)
const itemsOf = (n: number) => [{ text: `${n} `, isLast: false }]

describe("pieces of events", () => {
  it.effect("that come one by one go together after a pause, and each goes once", () =>
    Effect.gen(function* () {
      const queue = yield* Queue.unbounded<number, Cause.Done>()
      let next = 2
      const pace = Effect.suspend(() =>
        next > 10 ? Effect.asVoid(Queue.end(queue)) : Effect.asVoid(Queue.offerAll(queue, [next++, next++, next++]))
      )
      yield* Queue.offer(queue, 1)
      const pieces = yield* Stream.runCollect(piecesOf(Stream.fromQueue(queue), itemsOf, pace))
      expect(pieces.map(({ text }) => text)).toEqual(["1 ", "2 3 4 ", "5 6 7 ", "8 9 10 "])
    })
  )

  it.effect("that are there already are sent without a pause", () =>
    Effect.gen(function* () {
      let pauses = 0
      const pace = Effect.sync(() => void pauses++)
      const many = Stream.fromIterable(upTo(2_000), { chunkSize: 200 })
      const pieces = yield* Stream.runCollect(piecesOf(many, itemsOf, pace))
      expect(pieces.map(({ text }) => text).join("")).toBe(`${upTo(2_000).join(" ")} `)
      expect(pauses).toBe(0)
      const long = Stream.map(Stream.fromIterable(upTo(20), { chunkSize: 1 }), () => 0)
      yield* Stream.runDrain(piecesOf(long, () => [{ text: "x".repeat(70_000), isLast: false }], pace))
      expect(pauses).toBe(0)
    })
  )
})

describe("a reader of a log", () => {
  it.effect("is given the events of many cycles at once, in order, and of one where no more are there", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(count, { to: 300 })
      yield* job.result
      const pages: Array<ReadonlyArray<number>> = []
      yield* Stream.runForEachArray(viewOf(job)!.log.after(0), (page) =>
        Effect.sync(() => void pages.push(page.map(({ seq }) => seq)))
      )
      const last = pages.at(-1)?.at(-1) ?? 0
      expect(pages.flat()).toEqual(upTo(last))
      expect(last).toBeGreaterThan(900)
      // A page ends with a record: this job's have a few events each.
      for (const page of pages.slice(0, -1)) expect([page.length >= 256, page.length < 270]).toEqual([true, true])
      const after: Array<number> = []
      yield* Stream.runForEach(viewOf(job)!.log.after(last - 5), ({ seq }) => Effect.sync(() => void after.push(seq)))
      expect(after).toEqual(upTo(last, last - 4))
    }).pipe(Effect.provide(engine()))
  )
})
