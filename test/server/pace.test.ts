/** How a viewer is sent what comes one by one, and what is there already. */
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Engine } from "../../src/index.ts"
import { EventLog, type ReadingOptions } from "../../src/job/eventLog.ts"
import { viewOf } from "../../src/job/jobHandle.ts"
import { bytesOf, paceOf } from "../../src/server/viewer.ts"
import { Recording } from "../../src/server/telemetryRoom.ts"
import { engine } from "../support/behaviour/harness.ts"
import { count } from "../support/server/programs.ts"

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => n + from)

describe("items of live progress", () => {
  const item = (sequence: number) => ({ tag: "TaskProgress", sequence, text: "" })
  const add = (recording: Recording, from: number, last: number): void => {
    for (const n of upTo(last, from)) recording.add(item(n), 1_000)
  }

  it.effect("that come one by one go together after a pause, and each goes once", () =>
    Effect.gen(function* () {
      const recording = new Recording("1")
      add(recording, 1, 1)
      const pages: Array<ReadonlyArray<number>> = []
      const reading = yield* Effect.forkChild(
        Stream.runForEachArray(recording.after(0, paceOf(10)), (page) =>
          Effect.sync(() => void pages.push(page.map(({ sequence }) => sequence)))
        ),
        { startImmediately: true }
      )
      yield* TestClock.adjust(0)
      add(recording, 2, 3)
      yield* TestClock.adjust(0)
      expect(pages).toEqual([[1], [2, 3]])
      add(recording, 4, 5)
      yield* TestClock.adjust(5)
      add(recording, 6, 6)
      expect(pages).toEqual([[1], [2, 3]])
      yield* TestClock.adjust(5)
      expect(pages).toEqual([[1], [2, 3], [4, 5, 6]])
      add(recording, 7, 8)
      recording.close({ _tag: "Ended", status: "converged" })
      yield* Fiber.join(reading)
      expect(pages).toEqual([[1], [2, 3], [4, 5, 6], [7, 8]])
    })
  )

  it.effect("that come while a viewer is sent others wait for the pause as well", () =>
    Effect.gen(function* () {
      const recording = new Recording("1")
      add(recording, 1, 1)
      const pages: Array<number> = []
      yield* Effect.forkChild(
        Stream.runForEachArray(recording.after(0, paceOf(10)), (page) =>
          Effect.sync(() => {
            pages.push(page.length)
            // As a job that is faster than its viewer.
            if (pages.length < 4) add(recording, recording.newest + 1, recording.newest + 3)
          })
        ),
        { startImmediately: true }
      )
      yield* TestClock.adjust(0)
      expect(pages).toEqual([1, 3])
      add(recording, 8, 10)
      yield* TestClock.adjust(9)
      expect(pages).toEqual([1, 3])
      yield* TestClock.adjust(1)
      expect(pages).toEqual([1, 3, 6])
    })
  )

  it.effect("that come as a burst do not wait for the end of the pause", () =>
    Effect.gen(function* () {
      const recording = new Recording("1")
      let sent = 0
      yield* Effect.forkChild(
        Stream.runForEach(recording.after(0, paceOf(10)), () => Effect.sync(() => void sent++)),
        { startImmediately: true }
      )
      add(recording, 1, 1)
      yield* TestClock.adjust(0)
      add(recording, 2, 100)
      yield* TestClock.adjust(0)
      expect(sent).toBe(1)
      add(recording, 101, 300)
      yield* TestClock.adjust(0)
      expect(sent).toBe(300)
    })
  )
})

describe("the pace of a viewer", () => {
  it.effect("is a pause only after a write that was a moment ago, and never longer than it says", () =>
    Effect.gen(function* () {
      const pace = paceOf(30)
      const written: Array<number> = []
      const write = Effect.andThen(
        pace(1),
        Effect.map(Clock.currentTimeMillis, (now) => void written.push(now))
      )
      yield* Effect.forkChild(Effect.andThen(write, Effect.andThen(write, write)), { startImmediately: true })
      yield* TestClock.adjust(100)
      yield* Effect.forkChild(write, { startImmediately: true })
      yield* TestClock.adjust(100)
      expect(written).toEqual([0, 30, 60, 100])
      yield* TestClock.setTime(50)
      yield* Effect.forkChild(write, { startImmediately: true })
      yield* TestClock.adjust(30)
      expect(written).toEqual([0, 30, 60, 100, 80])
    })
  )

  it.effect("is longer where more comes than somebody can read", () =>
    Effect.gen(function* () {
      const pace = paceOf(30, 80)
      const written: Array<number> = []
      const write = (read: number) =>
        Effect.andThen(
          pace(read),
          Effect.map(Clock.currentTimeMillis, (now) => void written.push(now))
        )
      const all = Effect.forEach([0, 1_000, 1_000, 3, 1_000], write, { discard: true })
      yield* Effect.forkChild(all, { startImmediately: true })
      yield* TestClock.adjust(400)
      expect(written).toEqual([0, 80, 160, 190, 270])
    })
  )
})

describe("a reader of a log", () => {
  it.effect("tells its pace how much it has read since the pause before", () =>
    Effect.gen(function* () {
      const log = new EventLog()
      const told: Array<number> = []
      const append = (many: number): void => upTo(many).forEach((cycle) => log.append({ _tag: "Awaiting", cycle }))
      append(600)
      const pace = (read: number) => Effect.sync(() => void told.push(read))
      yield* Effect.forkChild(Stream.runDrain(log.after(0, { pace })), { startImmediately: true })
      for (const many of [1, 7, 1]) {
        yield* TestClock.adjust(0)
        append(many)
      }
      yield* TestClock.adjust(0)
      expect(told[0]).toBe(600)
      expect(told.reduce((sum, read) => sum + read)).toBe(608)
    })
  )

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

  it.effect("with a pace waits only where it has read everything, and reads together what came meanwhile", () =>
    Effect.gen(function* () {
      const log = new EventLog()
      const rest = (cycle: number) => log.append({ _tag: "Awaiting", cycle })
      for (const cycle of upTo(600)) rest(cycle)
      let pauses = 0
      const pace = (): Effect.Effect<void> => {
        pauses++
        for (const cycle of upTo(3)) rest(cycle)
        if (pauses === 2)
          log.append({ _tag: "Halted", cycle: 1, tier: 0, status: "failed", version: 1, hash: "", cause: undefined })
        return Effect.void
      }
      const pages: Array<number> = []
      yield* Effect.forkChild(
        Stream.runForEachArray(log.after(0, { pace }), (page) => Effect.sync(() => void pages.push(page.length))),
        { startImmediately: true }
      )
      yield* TestClock.adjust(0)
      expect([pages, pauses]).toEqual([[256, 256, 88], 0])
      rest(1)
      yield* TestClock.adjust(0)
      expect([pages, pauses]).toEqual([[256, 256, 88, 4], 1])
      rest(1)
      yield* TestClock.adjust(0)
      expect([pages, pauses]).toEqual([[256, 256, 88, 4, 5], 2])
    })
  )

  it.effect("waits also if the job is so fast that there is always a next event, and no longer when it has ended", () =>
    Effect.gen(function* () {
      const log = new EventLog()
      const append = (): void => log.append({ _tag: "Awaiting", cycle: 1 })
      append()
      const pages: Array<readonly [ms: number, length: number]> = []
      yield* Effect.forkChild(
        Stream.runForEachArray(log.after(0, { pace: paceOf(10) }), (page) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            pages.push([now, page.length])
            if (now < 30) append()
            else if (now === 30)
              log.append({
                _tag: "Halted",
                cycle: 1,
                tier: 0,
                status: "failed",
                version: 1,
                hash: "",
                cause: undefined
              })
          })
        ),
        { startImmediately: true }
      )
      yield* TestClock.adjust(2)
      append()
      yield* TestClock.adjust(98)
      expect(pages).toEqual([
        [0, 1],
        [0, 1],
        [10, 2],
        [20, 1],
        [30, 1],
        [30, 1]
      ])
    })
  )

  it.effect("puts as many characters into a page as it is told", () =>
    Effect.gen(function* () {
      const log = new EventLog()
      const started = { _tag: "Started", program: "p", version: 1, hash: "", seeds: [], violations: [] } as const
      for (const _ of upTo(20)) log.append({ ...started, length: 9_000 })
      const pagesOf = (options: ReadingOptions) =>
        Effect.map(Stream.runHead(Stream.chunks(log.after(0, options))), (page) => Option.getOrThrow(page).length)
      expect([yield* pagesOf({}), yield* pagesOf({ pageLength: 90_000 })]).toEqual([2, 10])
    })
  )
})

describe("the signs of life of a stream", () => {
  const textOf = (format: "ndjson" | "sse", items: ReadonlyArray<readonly [waitMs: number, text: string]>) =>
    Effect.gen(function* () {
      const shown = Stream.concat(
        Stream.mapEffect(Stream.fromIterable(items), ([waitMs, text]) =>
          Effect.delay(Effect.succeed({ text, isLast: false }), waitMs)
        ),
        Stream.succeed({ text: format === "ndjson" ? "{}\n" : "data: {}\n\n", isLast: true })
      )
      const bytes = bytesOf(shown, { format, goodbye: Effect.never, heartbeatMs: 300 })
      const text = yield* Effect.forkChild(Stream.mkString(Stream.decodeText(bytes)))
      for (let step = 0; step < 40; step++) yield* TestClock.adjust("50 millis")
      return yield* Fiber.join(text)
    })

  it.effect("never come into the middle of an event", () =>
    Effect.gen(function* () {
      const halves = [
        [0, '{"a":'],
        [1_000, "1}\n"]
      ] as const
      expect(yield* textOf("ndjson", halves)).toBe('{"a":1}\n{}\n')
      const data = halves.map(([waitMs, text]) => [waitMs, waitMs === 0 ? `data: ${text}` : `${text}\n`] as const)
      expect(yield* textOf("sse", data)).toBe(': the events follow\n\ndata: {"a":1}\n\ndata: {}\n\n')
    })
  )

  it.effect("come between events, and soon where there is none", () =>
    Effect.gen(function* () {
      const later = yield* textOf("ndjson", [[1_000, '{"a":1}\n']])
      expect(later).toMatch(/^\n{3,5}\{"a":1\}\n\{\}\n$/)
      expect(
        yield* textOf("ndjson", [
          [10, '{"a":1}\n'],
          [240, '{"b":1}\n']
        ])
      ).toBe('{"a":1}\n{"b":1}\n{}\n')
      expect(yield* textOf("sse", [[1_000, "data: 1\n\n"]])).toContain("\n\n: still here\n\n")
    })
  )
})
