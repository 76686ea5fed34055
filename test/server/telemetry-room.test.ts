/** The telemetry that a server keeps for viewers that come back: bounded by job and in total, whatever jobs report. */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { vi } from "vitest"
import { Agent, Engine, type Job, Limits, Program } from "../../src/index.ts"
import { viewOf } from "../../src/job/jobHandle.ts"
import type { KnownJob } from "../../src/server/directory.ts"
import { lastOf, telemetryItems } from "../../src/server/telemetryRoute.ts"
import { Recording, TelemetryRoom } from "../../src/server/telemetryRoom.ts"
import { engine, makeGate, noInput, turns } from "../support/behaviour/harness.ts"

vi.mock("../../src/Limits.ts", async (actual) => {
  const { Limits } = await actual<typeof import("../../src/Limits.ts")>()
  const lengths = { serverTelemetryJobLength: 4_000, serverTelemetryLength: 10_000, serverTelemetryEnded: 3 }
  return { Limits: { ...Limits, telemetryBuffer: 16, ...lengths } }
})

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const item = (sequence: number, text = "x") => ({ tag: "TaskProgress", sequence, text })

/** The events of a viewer: their names, and the numbers that they carry. */
const readAll = (recording: Recording, last?: string, each: Effect.Effect<void> = Effect.void) =>
  telemetryItems(recording, last === undefined ? undefined : lastOf(last)).pipe(
    Stream.tap(() => each),
    Stream.map(({ text }) => text),
    Stream.runFold(
      () => "",
      (all, text) => all + text
    ),
    Effect.map((all) =>
      [...all.matchAll(/id: (\S+)\nevent: (\w+)\ndata: (.*)\n\n/g)].map(([, id, event]) => `${event} ${id}`)
    )
  )

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => n + from)

describe("a recording", () => {
  it("keeps so many items and so many characters, and always the newest", () => {
    const recording = new Recording("1")
    for (let n = 1; n <= 100; n++) recording.add(item(n), 4_000)
    expect(recording.length).toBe(16)
    expect(recording.add(item(101, "y".repeat(3_990)), 4_000)).toBe(3_990 + 10 - 16)
    expect(recording.length).toBe(4_000)
    expect(recording.add(item(102, "z".repeat(9_000)), 4_000)).toBe(5_000)
    expect(recording.add(item(103), 4_000)).toBe(-8_999)
    expect([recording.length, recording.newest]).toEqual([1, 103])
  })

  it.effect("tells each viewer which numbers it misses, wherever the gap is", () =>
    Effect.gen(function* () {
      const recording = new Recording("7")
      for (const n of [3, 4, 8]) recording.add(item(n), 4_000)
      recording.close({ _tag: "Ended", status: "converged" })
      expect(yield* readAll(recording)).toEqual([
        ...["Missed 7-2", "TaskProgress 7-3", "TaskProgress 7-4"],
        ...["Missed 7-7", "TaskProgress 7-8", "Ended 7-9"]
      ])
      expect(yield* readAll(recording, "7-4")).toEqual(["Missed 7-7", "TaskProgress 7-8", "Ended 7-9"])
      expect(yield* readAll(recording, "7-8")).toEqual(["Ended 7-9"])
      expect(yield* readAll(recording, "8-8")).toEqual(["Missed 7-0", ...(yield* readAll(recording))])
    })
  )

  it.effect("loses items for a viewer that is slow, and for no other", () =>
    Effect.gen(function* () {
      const recording = new Recording("1")
      const gate = makeGate()
      const slow = yield* Effect.forkChild(readAll(recording, undefined, gate.arrive), { startImmediately: true })
      const quick = yield* Effect.forkChild(readAll(recording), { startImmediately: true })
      recording.add(item(1), 4_000)
      yield* gate.arrived
      for (let n = 2; n <= 200; n++) {
        recording.add(item(n), 4_000)
        if (n % 8 === 0) yield* turns(3)
      }
      recording.close({ _tag: "Ended", status: "failed" })
      yield* gate.open
      expect(yield* Fiber.join(quick)).toEqual([...upTo(200).map((n) => `TaskProgress 1-${n}`), "Ended 1-201"])
      const seen = yield* Fiber.join(slow)
      expect(seen.slice(0, 2)).toEqual(["TaskProgress 1-1", "Missed 1-184"])
      expect(seen.slice(2)).toEqual([...upTo(200, 185).map((n) => `TaskProgress 1-${n}`), "Ended 1-201"])
    })
  )
})

/** A job whose agent reports so many texts of such a length when it is let. */
const talking = Effect.fnUntraced(function* (id: string, many: number, length: number) {
  const gate = makeGate()
  const agent = Agent.make("talk", {
    execute: (view) =>
      Effect.andThen(
        gate.arrive,
        Effect.forEach(
          upTo(many),
          (n) =>
            Effect.andThen(
              Effect.sync(() => view.progress(`${n}`.padEnd(length))),
              Effect.yieldNow
            ),
          { discard: true }
        ).pipe(Effect.as({}))
      )
  })
  const job: Job.Job<Program.Program.Any> = yield* Engine.start(
    Program.make("talk", { input: noInput, agents: [agent] }),
    {},
    { id }
  )
  yield* gate.arrived
  const known: KnownJob = {
    job,
    view: viewOf(job)!,
    body: undefined,
    end: undefined,
    haltedAt: undefined,
    ended: Deferred.makeUnsafe<void>(),
    waiting: 0,
    isWanted: true
  }
  return { known, job, open: gate.open }
})

describe("the recordings of a server", () => {
  it.effect("are of so many ended jobs and so many characters: the oldest ended ones go first", () =>
    Effect.gen(function* () {
      const room = new TelemetryRoom(yield* Effect.scope, Context.empty())
      const recordings: Array<Recording> = []
      const finish = Effect.fnUntraced(function* (id: string, many: number, length: number) {
        const { job, known, open } = yield* talking(id, many, length)
        const recording = (yield* room.recordingOf(known))!
        yield* turns(2)
        yield* open
        yield* Effect.orDie(Effect.exit(job.result))
        yield* turns(20)
        expect(recording.end).toEqual({ _tag: "Ended", status: "converged" })
        recordings.push(recording)
        return known
      })
      const keptOf = Effect.fnUntraced(function* (known: KnownJob) {
        return yield* room.recordingOf({ ...known, end: yield* Effect.exit(known.job.result) })
      })
      const short: Array<KnownJob> = []
      for (let n = 0; n < 5; n++) short.push(yield* finish(`short ${n}`, 2, 100))
      const kept = yield* Effect.forEach(short, keptOf)
      expect(kept.map((recording) => recording?.newest)).toEqual([undefined, undefined, 3, 3, 3])
      const long: Array<KnownJob> = []
      for (let n = 0; n < 4; n++) {
        long.push(yield* finish(`long ${n}`, 30, 1_000))
        expect(room.length).toBeLessThanOrEqual(Limits.serverTelemetryLength)
      }
      expect(recordings.every(({ length }) => length <= Limits.serverTelemetryJobLength)).toBe(true)
      const last = yield* Effect.forEach(long, keptOf)
      expect(last.map((recording) => recording?.newest)).toEqual([undefined, undefined, 31, 31])
      expect(room.length).toBe(last.reduce((sum, recording) => sum + (recording?.length ?? 0), 0))
    }).pipe(Effect.scoped, Effect.provide(engine()))
  )

  it.effect("hold no job that has ended: the server lets go of its facts", () =>
    Effect.gen(function* () {
      const room = new TelemetryRoom(yield* Effect.scope, Context.empty())
      const finish = Effect.gen(function* () {
        const { job, known, open } = yield* talking("let go", 2, 100)
        yield* room.recordingOf(known)
        yield* turns(2)
        yield* open
        yield* Effect.orDie(Effect.exit(job.result))
        yield* turns(20)
        expect(room.has(known.view)).toBe(true)
        return new WeakRef(known.view)
      })
      const view = yield* finish
      expect(room.length).toBeGreaterThan(200)
      yield* turns(20)
      collect()
      expect(view.deref()).toBeUndefined()
    }).pipe(Effect.scoped, Effect.provide(engine()))
  )
})
