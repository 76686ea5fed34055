/**
 * Keys that are made of parts: of intents, of tasks whose effects are kept, of traces. Each names one thing, whatever
 * separators there are in the names and ids that it is made of (G3, G11).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Agent, AgentEffect, Engine, type Fact, Intent, JobStore, Program, Provenance } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { cell, Cell, ended, entry, Entry, noInput } from "../support/behaviour/harness.ts"
import { engineWith, postman } from "../support/behaviour/intents.ts"
import { intentKey } from "../../src/program/keys.ts"

const keyOf = (agent: string, each?: Fact.FactRef, cycle = 1, index = 0): string =>
  intentKey({ agent, cycle, each, index })

/** All texts of up to so many of these parts. */
const texts = (parts: ReadonlyArray<string>, most: number): ReadonlyArray<string> =>
  most === 0 ? [""] : ["", ...parts.flatMap((part) => texts(parts, most - 1).map((text) => part + text))]
const different = (all: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(all)]

describe("the key of an intent", () => {
  it("is cycle, agent, each-fact and index, and ordinary names and ids stand in it as they are", () => {
    expect(keyOf("next")).toBe("1/next//0")
    expect(keyOf("find cycles 100%", { kind: "Num", id: "0" }, 7, 3)).toBe('7/find cycles 100%/"Num"/0/3')
    for (const id of ["src/a.ts", "/etc/fstab", "a//b/", "1.2/x", "50%", "a%20b/é", 'say "x"', "", "12", "x/12"]) {
      expect(keyOf("next", { kind: "File", id })).toBe(`1/next/"File"/${id}/0`)
    }
  })

  it("has separators in names, and in ids where they would end a part, percent-encoded", () => {
    expect(keyOf('a/"b"')).toBe("1/a%2F%22b%22//0")
    expect(keyOf("a%2Fb%20")).toBe("1/a%252Fb%20//0")
    expect(keyOf("a", { kind: 'x/"y"', id: "2024/7/a.md" })).toBe('1/a/"x%2F%22y%22"/2024%2F7%2Fa.md/0')
    expect(keyOf("a", { kind: "x", id: "2024%2F7" })).toBe('1/a/"x"/2024%252F7/0')
  })

  it("is that of no other, and does not end with another, so that no job's id makes two the same", () => {
    const agents = different(texts(["1", "/", '"K"', "%", "2F"], 3)).slice(1)
    const ids = different(texts(["1", "/", '"K"'], 5))
    const kinds = ["K", "1", '"', "K/1", 'K"/1', "K%2F1", "%"]
    const refs: Array<readonly [agent: string, each?: Fact.FactRef]> = [
      ...agents.map((agent) => [agent] as const),
      ...agents.flatMap((agent) => kinds.map((kind) => [agent, { kind, id: "1" }] as const)),
      ...["1", "a", "1/1", '"K"', '1/"K"'].flatMap((agent) =>
        kinds.flatMap((kind) => ids.map((id) => [agent, { kind, id }] as const))
      )
    ]
    const unique = new Map(refs.map((ref) => [JSON.stringify(ref), ref]))
    const keys = new Set([...unique.values()].map(([agent, each]) => keyOf(agent, each)))
    expect(keys.size).toBe(unique.size)
    const all = new Set([...keys, ...[...unique.values()].map(([agent, each]) => keyOf(agent, each, 11, 1))])
    const ends = [...all].filter((key) => {
      for (let at = key.indexOf("/"); at >= 0; at = key.indexOf("/", at + 1))
        if (all.has(key.slice(at + 1))) return true
      return false
    })
    expect(ends).toEqual([])
  })
})

const names = ["x", 'x/"Cell"/y/', 'x/"Cell"/y//'] as const

/** An agent for the cell `y//`, and two whose names are like keys of what it does. */
const likely = (deed: (agent: string) => AgentEffect.AgentEffect<typeof Entry>, memoize = false) => {
  const [first, ...others] = names
  const deedOf = (name: string) => Effect.sync(() => deed(name))
  return Program.make("likely", {
    input: noInput,
    seed: () => [cell("y//", "")],
    agents: [
      Agent.make(first, { each: Cell, writes: [Entry], memoize, execute: () => deedOf(first) }),
      ...others.map((name) => Agent.make(name, { writes: [Entry], memoize, execute: () => deedOf(name) }))
    ],
    output: (view) => view.all(Entry).map(({ value }) => value.text)
  })
}

/** Ids that are the same text in UTF-8. */
const surrogates = ["\ud800", "\udc00", "\ufffd"]

describe("facts whose ids differ by lone surrogates", () => {
  it.live("get back each its own effect that was kept in a file", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "keys-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
      )
      const context = yield* Layer.build(JobStore.layerSqlite({ filename: join(folder, "jobs.db") }))
      const store = Context.get(context, JobStore.JobStore)
      const asked: Array<string> = []
      const program = Program.make("same in UTF-8", {
        input: noInput,
        seed: () => surrogates.map((id) => cell(id, "")),
        agents: [
          Agent.make("names", {
            each: Cell,
            writes: [Entry],
            memoize: true,
            execute: ({ id }) => {
              asked.push(id)
              return Effect.succeed({ facts: [entry(JSON.stringify(id))] })
            }
          })
        ],
        output: (view) => view.all(Entry).map(({ value, provenance: { each } }) => [each?.id, value.text])
      })
      const run = Engine.run(program, {}, { id: "job" })
      yield* ended(Effect.provide(run, engineOnStore(brokenOff(store, 0))))
      const result = yield* Effect.provide(run, engineOnStore(store))
      expect(asked).toEqual(surrogates)
      expect(result.output).toEqual(surrogates.map((id) => [id, JSON.stringify(id)]))
    }).pipe(Effect.scoped)
  )

  it.effect("have children of their own, whose ids are well-formed", () =>
    Effect.gen(function* () {
      const child = Program.make("child", { input: noInput, agents: [] })
      const program = Program.make("asks", {
        input: noInput,
        seed: () => surrogates.map((id) => cell(id, "")),
        agents: [
          Agent.make("asks", { each: Cell, execute: () => Effect.succeed({ intents: [Intent.child(child, {})] }) })
        ]
      })
      const store = yield* journalStore
      const result = yield* Effect.provide(
        Engine.run(program, {}, { id: "job" }),
        engineOnStore(store, { children: [child] })
      )
      const { jobs } = yield* store.list({})
      const ids = new Set(jobs.map(({ jobId }) => jobId.toWellFormed()))
      expect(jobs.every(({ jobId }) => jobId.isWellFormed())).toBe(true)
      expect(ids.size).toBe(4)
      expect(result.context.all(Intent.ChildResult)).toHaveLength(3)
    })
  )
})

describe("agents whose names hold what separates the parts of a key", () => {
  it.effect("have all their intents performed, each under a key of its own", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const program = likely((name) => ({
        intents: [{ kind: "Mail", payload: { n: names.findIndex((other) => other === name) } }]
      }))
      const result = yield* Effect.provide(
        Engine.run(program, {}, { id: "job" }),
        engineWith({ handlers: [postman(seen)] })
      )
      expect(new Set(seen)).toEqual(new Set(result.intents.map(({ idempotencyKey }) => idempotencyKey)))
      expect(new Set(seen).size).toBe(3)
      expect(result.output).toEqual(["sent", "sent", "sent"])
    })
  )

  it.effect("have children of their own, with the job's id and the key for an id", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const child = Program.make("child", { input: noInput, agents: [] })
      const result = yield* Effect.gen(function* () {
        const result = yield* Engine.run(
          likely(() => ({ intents: [Intent.child(child, {})] })),
          {},
          { id: "job" }
        )
        const { jobs } = yield* store.list({})
        expect(new Set(jobs.map(({ jobId }) => jobId))).toEqual(
          new Set(["job", ...result.intents.map(({ idempotencyKey }) => idempotencyKey)])
        )
        return result
      }).pipe(Effect.provide(engineOnStore(store, { children: [child] })))
      expect(result.context.all(Intent.ChildResult)).toHaveLength(3)
    })
  )

  it.effect("get back each its own effect that was kept", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const asked: Array<string> = []
      const deed = (name: string) => {
        asked.push(name)
        return { facts: [entry(name)] }
      }
      const run = Engine.run(likely(deed, true), {}, { id: "job" })
      yield* ended(Effect.provide(run, engineOnStore(brokenOff(store, 0))))
      const result = yield* Effect.provide(run, engineOnStore(store))
      expect(asked).toEqual(names)
      expect(result.output).toEqual(names)
    })
  )

  it.effect("leave each its own trace", () =>
    Effect.gen(function* () {
      const program = likely((name) => ({ facts: [entry(name)], trace: { of: name } }))
      const { context } = yield* Effect.provide(Engine.run(program, {}), engineWith({}))
      const traces = names.map((id) => Provenance.explain(context, { kind: "Entry", id })?.trace)
      expect(traces).toEqual(names.map((of) => ({ of })))
    })
  )
})
