/** G16: programs of joins give the same facts, whenever the facts that they start from arrive. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { runInline } from "../support/core/run.ts"

const { String: Text } = Schema

const Member = Fact.kind("Member", {
  schema: Schema.Struct({ who: Text, group: Text }),
  id: ({ group, who }) => `${who} in ${group}`
})
const In = Fact.kind("In", { schema: Member.schema, id: Member.id })
const Grant = Fact.kind("Grant", {
  schema: Schema.Struct({ group: Text, action: Text, resource: Text }),
  id: ({ action, group, resource }) => `${group} ${action} ${resource}`
})
const Can = Fact.kind("Can", {
  schema: Schema.Struct({ who: Text, action: Text, resource: Text }),
  id: ({ action, resource, who }) => `${who} ${action} ${resource}`
})

const members = [
  Member.of({ who: "alice", group: "backend" }),
  Member.of({ who: "backend", group: "eng" }),
  Member.of({ who: "eng", group: "staff" })
]
const grants = [
  Grant.of({ group: "staff", action: "read", resource: "wiki" }),
  Grant.of({ group: "eng", action: "write", resource: "repo" })
]
type Given = ReadonlyArray<Fact.ProposalOf<typeof Member | typeof Grant>>

/** The rights of users: groups are in groups, and have grants. */
const policy = (given: Given) =>
  Program.make("policy", {
    module: import.meta.url,
    input: Schema.Struct({}),
    seed: () => given,
    agents: [
      Agent.make("base", {
        each: Member,
        writes: [In],
        execute: ({ value }) => Effect.succeed({ facts: [In.of(value)] })
      }),
      Agent.join("up", {
        left: [In, ({ group }) => group],
        right: [Member, ({ who }) => who],
        writes: [In],
        execute: (member, group) => ({ facts: [In.of({ who: member.value.who, group: group.value.group })] })
      }),
      Agent.join("can", {
        left: [In, ({ group }) => group],
        right: [Grant, ({ group }) => group],
        writes: [Can],
        execute: ({ value: { who } }, { value: { action, resource } }) => ({
          facts: [Can.of({ who, action, resource })]
        })
      })
    ],
    output: (view) =>
      view
        .all(Can)
        .map(({ id }) => id)
        .toSorted()
  })

describe("a program of joins", () => {
  it.effect(
    "gives the same facts when they arrive one by one, in any order, each with a job on the context before",
    () =>
      Effect.gen(function* () {
        const all = [...members, ...grants]
        const whole = (yield* runInline(policy(all), {})).result.output
        expect(whole).toHaveLength(5)
        for (const order of [
          all,
          all.toReversed(),
          [...grants, ...members],
          [all[3]!, all[0]!, all[2]!, all[4]!, all[1]!]
        ]) {
          let context: Engine.StartOptions["context"]
          let output: ReadonlyArray<string> | undefined
          for (const fact of order) {
            const { result } = yield* runInline(policy([fact]), {}, { context })
            context = result.context
            output = result.output
          }
          expect(output).toEqual(whole)
        }
      })
  )

  it.effect("joins a fact that a fork adds with what was there", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const engine = yield* Layer.build(engineOnStore(store))
      const program = policy([...members, ...grants])
      yield* Effect.provide(Engine.run(program, {}, { id: "pol" }), engine)
      const facts = [Grant.of({ group: "eng", action: "delete", resource: "repo" })]
      const fork = yield* Effect.provide(Engine.fork(program, "pol", { id: "what-if", facts }), engine)
      const { output } = yield* fork.result
      expect(output).toContain("backend delete repo")
      expect(output).toContain("alice delete repo")
    }).pipe(Effect.scoped)
  )
})
