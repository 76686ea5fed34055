/** A fork that replaces a value keeps the facts that come from it, since facts are not taken back: the log says so. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"

const Rule = Fact.kind("Rule", {
  schema: Schema.Struct({ name: Schema.String, isOn: Schema.Boolean }),
  id: ({ name }) => name
})
const Access = Fact.kind("Access", { schema: Schema.Struct({ of: Schema.String }), id: ({ of }) => of })
const Report = Fact.kind("Report", { schema: Schema.Struct({ of: Schema.String }), id: ({ of }) => of })

const program = Program.make("access", {
  input: Schema.Struct({}),
  seed: () => ["a", "b", "c"].map((name) => Rule.of({ name, isOn: true })),
  agents: [
    Agent.make("allow", {
      each: Rule,
      writes: [Access],
      execute: ({ value: { isOn, name } }) => Effect.succeed({ facts: isOn ? [Access.of({ of: name })] : [] })
    }),
    Agent.make("report", {
      each: Access,
      writes: [Report],
      execute: ({ value: { of } }) => Effect.succeed({ facts: [Report.of({ of })] })
    })
  ]
})

/** Forks a job that has converged. Gives the warnings, and the ids of the reports at the end. */
const forked = (options: Engine.ForkOptions<typeof Rule | typeof Access>) =>
  Effect.gen(function* () {
    const store = yield* journalStore
    const engine = yield* Layer.build(engineOnStore(store))
    yield* Effect.provide(Engine.run(program, {}, { id: "job" }), engine)
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => {
      if (logLevel === "Warn") lines.push(String(message))
    })
    const fork = Engine.fork(program, "job", { id: "fork", ...options })
    const job = yield* fork.pipe(Effect.provide(engine), Effect.provide(Logger.layer([logger])))
    const { context } = yield* job.result
    return { lines, reports: context.all(Report).map(({ id }) => id) }
  }).pipe(Effect.scoped)

const off = (name: string) => Rule.of({ name, isOn: false })

describe("a fork that replaces a value", () => {
  it.effect("keeps what comes from it, and warns of the number and the first of these facts", () =>
    Effect.gen(function* () {
      const { lines, reports } = yield* forked({ facts: [off("b")] })
      expect(reports).toEqual(["a", "b", "c"])
      expect(lines).toEqual([
        "the fork fork keeps 2 facts that come from values which it replaces: the first is Access/b, and Rule/b is replaced. " +
          "Facts are not taken back. Fork from a cycle before them, such as 0, to derive them anew"
      ])
      expect((yield* forked({ facts: [off("b"), off("c")] })).lines[0]).toContain("keeps 4 facts")
      expect((yield* forked({ at: 1, facts: [off("b")] })).lines[0]).toContain("keeps 1 fact that comes from")
    })
  )

  it.effect("warns of nothing if it begins before them, adds a fact, gives the same value, or gives them anew", () =>
    Effect.gen(function* () {
      const before = yield* forked({ at: 0, facts: [off("b")] })
      expect(before).toEqual({ lines: [], reports: ["a", "c"] })
      expect((yield* forked({ facts: [off("new")] })).lines).toEqual([])
      expect((yield* forked({ facts: [Rule.of({ name: "b", isOn: true })] })).lines).toEqual([])
      expect((yield* forked({})).lines).toEqual([])
      expect((yield* forked({ at: 1, facts: [off("b"), Access.of({ of: "b" })] })).lines).toEqual([])
    })
  )
})
