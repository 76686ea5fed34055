/**
 * A resume opens the journal once: whoever needs its header, its parts or the kinds that have changed takes them from there.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, type JobStore, Program } from "../../src/index.ts"
import { takeUp } from "../../src/engine/takeUp.ts"
import { compiledOf } from "../../src/program/erased.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { counter, ended, noInput } from "../support/behaviour/harness.ts"

type Store = JobStore.JobStore["Service"]

/** The store, and how often the header of a journal that it gave was asked for. */
const counting = (store: Store) => {
  const seen = { headers: 0 }
  const counted: Store = {
    ...store,
    load: (jobId) =>
      Effect.map(store.load(jobId), ({ header, ...journal }) =>
        Object.defineProperty({ ...journal, header }, "header", {
          get: () => {
            seen.headers++
            return header
          }
        })
      )
  }
  return { seen, counted }
}

/** A program that counts how often its version is asked for: once in each description of it. */
const countingProgram = (program: Program.Program.Any) => {
  const seen = { descriptions: 0 }
  const compiled = compiledOf(program)
  const counted = Object.create(compiled, {
    version: {
      get: () => {
        seen.descriptions++
        return compiled.version
      }
    }
  }) as typeof compiled
  return { seen, counted }
}

const Step = (version: "1" | "2") =>
  Fact.kind("Step", {
    schema: version === "1" ? Schema.Struct({ n: Schema.Int }) : Schema.Struct({ n: Schema.Int, by: Schema.String }),
    id: ({ n }) => String(n)
  })

/** Counts to 4, in facts of one form or another. */
const versioned = (version: "1" | "2") => {
  const kind = Step(version)
  const step = (n: number) => kind.of(version === "1" ? { n } : ({ n, by: "2" } as { readonly n: number }))
  return Program.make("versioned", {
    version,
    migrate: (fact) => ({ ...fact, value: { ...(fact.value as object), by: "1" } }),
    input: noInput,
    seed: () => [step(0)],
    agents: [
      Agent.make("next", {
        each: kind,
        writes: [kind],
        execute: ({ value: { n } }) => Effect.succeed({ facts: n < 4 ? [step(n + 1)] : [] })
      })
    ],
    output: (view) => view.size(kind)
  })
}

/** A job `j` that was broken off after two cycles. */
const left = <P extends ReturnType<typeof counter> | ReturnType<typeof versioned>>(program: P) =>
  Effect.gen(function* () {
    const store = yield* journalStore
    yield* ended(
      Effect.provide(
        Engine.run(program as ReturnType<typeof counter>, {}, { id: "j" }),
        engineOnStore(brokenOff(store, 2))
      )
    )
    return store
  })

describe("a resume", () => {
  it.effect("parses the header once, of the job that goes on and of the one that has ended", () =>
    Effect.gen(function* () {
      const store = yield* left(counter(4))
      for (const read of ["goes on", "has ended"]) {
        const { counted, seen } = counting(store)
        const result = yield* Effect.flatMap(Engine.resume(counter(4), "j"), ({ result }) => result).pipe(
          Effect.provide(engineOnStore(counted))
        )
        expect([read, result.output, seen.headers]).toEqual([read, 5, 1])
      }
    })
  )

  it.effect("describes the program once, also where its kinds have changed", () =>
    Effect.gen(function* () {
      for (const [from, to] of [
        [counter(4), counter(4)],
        [versioned("1"), versioned("1")],
        [versioned("1"), versioned("2")]
      ] as const) {
        const { counted: store, seen: headers } = counting(yield* left(from))
        const { counted, seen } = countingProgram(to)
        const fence = yield* store.lease("j")
        const { replay } = yield* takeUp(store, yield* store.load("j"), counted, fence)
        expect([replay.cycle, headers.headers, seen.descriptions]).toEqual([2, 1, 1])
      }
    })
  )
})
