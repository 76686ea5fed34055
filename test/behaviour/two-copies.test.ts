/**
 * Two copies of the package in one process: a program that one of them made runs on an engine of the other, by the same rules.
 *
 * So it is where `converge` is installed beside a project, and the project's program depends on a copy of its own.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { vi } from "vitest"
import * as Package from "../../src/index.ts"
import { failure, until, untilState } from "../support/behaviour/harness.ts"

// The modules that the engine loads when it needs them are those of the later copy, so that copy has the engine.
vi.resetModules()
const Other: typeof Package = await import("../../src/index.ts")
const { infoOf } = await import("../../src/server/systemRoutes.ts")

const programOf = ({ Agent, Fact, Intent, Program }: typeof Package) => {
  const Note = Fact.kind("Note", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })
  return Program.make("copied", {
    input: Schema.Struct({}),
    seed: () => [Note.of({ text: "a" })],
    agents: [
      Agent.make("decides", { each: Intent.Decision, execute: () => Effect.succeed({}) }),
      Agent.make("notes", {
        each: Note,
        writes: [Note],
        execute: () => Effect.succeed({ facts: [Note.of({ text: "b" })] })
      })
    ]
  })
}

/** Asks for an approval and for a child job, and reads both answers. */
const askingOf = ({ Agent, Intent, Program }: typeof Package) => {
  const child = programOf(Package)
  const program = Program.make("asks", {
    input: Schema.Struct({}),
    agents: [
      Agent.make("asks", {
        execute: () =>
          Effect.succeed({ intents: [Intent.approval({ id: "go" }), Intent.child(child, {}, { id: "one" })] })
      })
    ],
    output: (view) => [
      view.all(Intent.Decision).map(({ value }) => value.by),
      view.all(Intent.ChildResult).map(({ value }) => value.status)
    ]
  })
  return { child, program }
}

const engineOf = (children: ReadonlyArray<Package.Program.Program.Any> = []) =>
  Other.Engine.layer({ children } as Package.Engine.EngineOptions).pipe(
    Layer.provide(Other.JobStore.layerMemoryJournal),
    Layer.provide(Other.WorkerPool.layerInline)
  )

const enginesOwn = {
  ChildResult: { child: "c", key: "k", program: "p", status: "converged", hash: "", output: null, error: null },
  Violation: { invariant: "i", reason: "r", repaired: false }
}

describe("a program that another copy of the package made", () => {
  it.effect("has the same hash and the same graph", () =>
    Effect.gen(function* () {
      expect(Other.Intent.Decision).not.toBe(Package.Intent.Decision)
      const [own, other] = [programOf(Other), programOf(Package)]
      const first = yield* Other.Engine.run(own, {})
      const second = yield* Other.Engine.run(other, {})
      expect(second.hash).toBe(first.hash)
      expect(infoOf(other)).toEqual(infoOf(own))
      expect(infoOf(other).graph.intents).toEqual([{ name: "Approval", answers: ["Decision"], by: "engine" }])
    }).pipe(Effect.provide(engineOf()))
  )

  it.effect("has its approvals and its child jobs", () => {
    const { child, program } = askingOf(Package)
    return Effect.gen(function* () {
      const job = yield* Other.Engine.start(program, {})
      yield* untilState(job, "awaiting")
      const go = (by: string) => [Other.Intent.Decision.of({ approval: "go", approved: true, by, reason: "" })]
      yield* job.pause
      const first = yield* Effect.forkChild(job.signal(go("Ada")), { startImmediately: true })
      yield* until(Effect.map(job.approvals, ({ length }) => length === 0))
      // A decision that waits for its cycle is one, so another comes second.
      expect(yield* failure(job.signal(go("Bob")))).toMatchObject({ _tag: "SignalRefused", reason: "approval" })
      yield* job.resume
      yield* Fiber.join(first)
      expect((yield* job.result).output).toEqual([["Ada"], ["converged"]])
    }).pipe(Effect.provide(engineOf([child])))
  })

  for (const [kind, value] of Object.entries(enginesOwn)) {
    it.effect(`takes no ${kind} from outside, which only the engine writes`, () =>
      Effect.gen(function* () {
        const program = programOf(Package)
        yield* Other.Engine.run(program, {}, { id: "job" })
        // The types of a fork let no such fact through.
        const facts = [{ kind, value }] as ReadonlyArray<unknown> as ReadonlyArray<never>
        const error = yield* failure(Other.Engine.fork(program, "job", { facts }))
        expect(error).toMatchObject({ _tag: "InvalidInput" })
        expect(error.message).toContain(`facts[0] is of kind "${kind}", which only the engine writes`)
      }).pipe(Effect.provide(engineOf()))
    )
  }
})
