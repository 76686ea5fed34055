/**
 * Cases: a job that failed, as a file that fails in the same way, with fewer seeds and signals.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"
import { lookUntil, turns } from "../support/until.ts"

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Number }), id: ({ n }) => String(n) })
const Word = Fact.kind("Word", {
  schema: Schema.Struct({ n: Schema.Number, word: Schema.String }),
  id: ({ n }) => String(n)
})
const Note = Fact.kind("Note", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })

let isAsked = false

/** Opens when the signals are in the mailbox. */
let gate = Effect.void

/** Fails if the words of 3 and 5 are there, and a note that says "go". */
const program = (fails = true) =>
  Program.make("picky", {
    module: import.meta.url,
    input: Schema.Number,
    seed: (count) => Array.from({ length: count }, (_, n) => Item.of({ n })),
    signals: [Note],
    agents: [
      Agent.make("ask", {
        each: Item,
        writes: [Word],
        execute: ({ value: { n } }) =>
          Effect.map(gate, () => {
            isAsked = true
            return { facts: [Word.of({ n, word: `word ${n}` })] }
          })
      }),
      Agent.cpu("check", {
        reads: [Word, Note],
        placement: "inline",
        execute: (view) => {
          const has = (n: number) => view.all(Word).some(({ value }) => value.n === n)
          const isGo = view.all(Note).some(({ value }) => value.text === "go")
          if (fails && isGo && has(3) && has(5)) throw new Error("too picky")
          return {}
        }
      })
    ]
  })

/** A case of a job that fails, as it comes out of a file. */
const failed = Effect.gen(function* () {
  const opened = yield* Deferred.make<void>()
  gate = Deferred.await(opened)
  const job = yield* Testing.start(program(), 12, { id: "picky" })
  yield* lookUntil(job.status, ({ phase }) => phase === "executing")
  for (const text of ["wait", "go", "slow"]) {
    yield* Effect.forkChild(Effect.ignore(job.signal([Note.of({ text })])), { startImmediately: true })
    yield* Effect.promise(() => turns(2))
  }
  yield* Deferred.succeed(opened, undefined)
  expect(yield* Effect.flip(job.result)).toMatchObject({ _tag: "AgentPanicked", agent: "check" })
  const written = JSON.stringify(Testing.caseOf(yield* Testing.recording("picky"), "./picky.ts"))
  isAsked = false
  return yield* Testing.decodeCase(JSON.parse(written))
}).pipe(Effect.provide(Testing.layer()))

describe("Testing.runCase", () => {
  it.effect("ends with the same error and the same hash, and asks nobody", () =>
    Effect.gen(function* () {
      const given = yield* failed
      expect(given).toMatchObject({
        module: "./picky.ts",
        end: { status: "failed", error: "AgentPanicked", of: "check" }
      })
      const run = yield* Testing.runCase(program(), given)
      // The signals came in the second cycle.
      expect(given.recording.signals.map(({ cycle }) => cycle)).toEqual([2, 2, 2])
      expect(run).toMatchObject({ isSame: true, hash: given.hash, end: given.end, unanswered: [] })
      expect(isAsked).toBe(false)
    })
  )

  it.effect("tells that the failure is gone", () =>
    Effect.gen(function* () {
      const run = yield* Testing.runCase(program(false), yield* failed)
      expect(run).toMatchObject({ isSame: false, end: { status: "converged", error: "", of: "" } })
    })
  )

  it.effect("drops the seeds and signals that the failure does not need", () =>
    Effect.gen(function* () {
      const small = yield* Testing.minimized(program(), yield* failed)
      expect(small.seeds?.map(({ value }) => value)).toEqual([{ n: 3 }, { n: 5 }])
      expect(small.recording.signals.map(({ facts }) => facts[0]?.value)).toEqual([{ text: "go" }])
      expect(yield* Testing.runCase(program(), small)).toMatchObject({ isSame: true, hash: small.hash })
      // Nothing of what was dropped stays in the file.
      expect(small.recording.seeds.map(({ value }) => value)).toEqual([{ n: 3 }, { n: 5 }])
      expect(small.recording.tasks.map(({ each }) => each?.id)).toEqual(["3", "5"])
      expect(JSON.stringify(small).length).toBeLessThan(JSON.stringify(yield* failed).length / 2)
      // Without the failure there is nothing to keep.
      const whole = yield* failed
      expect(yield* Testing.minimized(program(false), whole)).toBe(whole)
    })
  )

  it.effect("refuses to minimize what did not fail", () =>
    Effect.gen(function* () {
      const given = { ...(yield* failed), end: { status: "converged", error: "", of: "" } }
      const refused = yield* Effect.flip(Testing.minimized(program(), given))
      expect(refused).toMatchObject({
        _tag: "InvalidInput",
        message: expect.stringContaining("keeps a failure, and the job converged")
      })
    })
  )

  it.effect("tells of a signal that the job did not take up", () =>
    Effect.gen(function* () {
      const given = yield* failed
      const signals = [{ cycle: 9, facts: [{ kind: "Note", value: { text: "late" } }] }]
      const run = yield* Testing.runCase(program(), { ...given, recording: { ...given.recording, signals } })
      expect(run.unanswered.map(({ why }) => why)).toEqual(["the signal of cycle 9 was not taken up"])
    })
  )

  it.effect("refuses what is no case, and a case of another program", () =>
    Effect.gen(function* () {
      const given = yield* failed
      const broken = yield* Effect.flip(Testing.decodeCase({ ...given, hash: 3 }))
      expect(broken).toMatchObject({ _tag: "InvalidInput" })
      expect(broken.message).toContain(`["hash"]`)
      const other = { ...given, recording: { ...given.recording, program: "other" } }
      expect(yield* Effect.flip(Testing.runCase(program(), other))).toMatchObject({ _tag: "InvalidInput" })
    })
  )
})
