/**
 * `Testing.confluent`: programs whose facts do not depend on when their seeds arrive, and programs whose facts do.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Invariant, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Edge = Fact.kind("Edge", {
  schema: Schema.Struct({ from: Schema.String, to: Schema.String }),
  id: ({ from, to }) => `${from}-${to}`
})
const Path = Fact.kind("Path", {
  schema: Schema.Struct({ from: Schema.String, to: Schema.String }),
  id: ({ from, to }) => `${from}-${to}`
})
const Note = Fact.kind("Note", {
  schema: Schema.Struct({ about: Schema.String, text: Schema.String }),
  id: ({ about }) => about,
  conflict: "keepLast"
})

const Edges = Schema.Array(Schema.Tuple([Schema.String, Schema.String]))
const edges = [
  ["a", "b"],
  ["b", "c"],
  ["c", "d"]
] as const

const first = Agent.make("first", {
  each: Edge,
  writes: [Path],
  execute: ({ value }) => Effect.succeed({ facts: [Path.of(value)] })
})

/** Looks at all edges for each new path, and so misses the edges that come later. */
const halfLonger = Agent.make("longer", {
  each: Path,
  reads: [Edge],
  writes: [Path],
  execute: ({ value: { from, to } }, view) =>
    Effect.succeed({
      facts: view
        .all(Edge)
        .filter((edge) => edge.value.from === to)
        .map((edge) => Path.of({ from, to: edge.value.to }))
    })
})

const halfJoined = Program.make("half-joined", {
  input: Edges,
  seed: (pairs) => pairs.map(([from, to]) => Edge.of({ from, to })),
  agents: [first, halfLonger]
})

/** Is asked again whenever an edge or a path is new. */
const longer = Agent.make("longer", {
  reads: [Path, Edge],
  writes: [Path],
  execute: (view) => {
    const found = new Map(
      view.all(Path).flatMap(({ value: { from, to } }) =>
        view
          .all(Edge)
          .filter((edge) => edge.value.from === to)
          .map((edge) => [`${from}-${edge.value.to}`, { from, to: edge.value.to }] as const)
      )
    )
    return Effect.succeed({ facts: [...found.values()].map((path) => Path.of(path)) })
  }
})

const joined = Program.make("joined", {
  input: Edges,
  seed: (pairs) => pairs.map(([from, to]) => Edge.of({ from, to })),
  agents: [first, longer],
  invariants: [Invariant.acceptance("a to d", (view) => view.size(Path) === 6)]
})

/** The program, which also takes edges as signals. */
const withSignals = (isJoined: boolean) =>
  Program.make("signalled", {
    input: Edges,
    seed: (pairs) => pairs.map(([from, to]) => Edge.of({ from, to })),
    signals: [Edge],
    agents: [first, isJoined ? longer : halfLonger]
  })

const NoteFields = Schema.Struct({ about: Schema.String, text: Schema.String })
const note = (text: string) => Note.of({ about: "it", text })

/** Not commutative: of two texts of one length, the present one stays. */
const keepsLonger = (a: NoteValue, b: NoteValue): NoteValue => (b.text.length > a.text.length ? b : a)
const leastText = (a: NoteValue, b: NoteValue): NoteValue => (b.text < a.text ? b : a)
type NoteValue = typeof NoteFields.Type

/** A seed and a note, which signals revise. `isLooking`: an agent looks at the note for each edge. */
const notesOf = (conflict: "keepLast" | typeof keepsLonger, isLooking: boolean) => {
  const Own = Fact.kind("Note", { schema: NoteFields, id: ({ about }) => about, conflict })
  return Program.make("notes", {
    input: Schema.Struct({}),
    seed: () => [Edge.of({ from: "a", to: "b" }), Own.of({ about: "it", text: "one" })],
    signals: [Own],
    kinds: [Own, Edge],
    agents: isLooking
      ? [
          Agent.make("look", {
            each: Edge,
            reads: [Own],
            writes: [Own],
            execute: (_, view) =>
              Effect.succeed({
                facts: view
                  .all(Own)
                  .filter(({ id }) => id === "it")
                  .map(({ value: { text } }) => Own.of({ about: "seen", text }))
              })
          })
        ]
      : []
  })
}

const flipped = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provide(Effect.flip(effect), Engine.layerMemory)

describe("Testing.confluent", () => {
  it.effect("passes a program that gives the same facts in every order, and says which orders it tried", () =>
    Effect.gen(function* () {
      const report = yield* Testing.confluent(joined, edges)
      expect(report).toMatchObject({ program: "joined", facts: 9 })
      expect(report.orders.length).toBe(24)
      const tried = report.orders.map(({ name, parts }) => `${name}: ${JSON.stringify(parts)}`)
      expect(new Set(tried).size).toBe(24)
      for (const { parts } of report.orders) {
        expect(
          parts
            .flat()
            .map(({ id }) => id)
            .sort()
        ).toEqual(["a-b", "b-c", "c-d"])
        expect(parts.length).toBeGreaterThan(1)
      }
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("tries the same orders again for the same seed", () =>
    Effect.gen(function* () {
      const again = () => Testing.confluent(joined, edges, { orders: 30, seed: 7 })
      expect(yield* again()).toEqual(yield* again())
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("names the first fact that a late seed leaves out, and the agent that is half a join", () =>
    Effect.gen(function* () {
      const error = yield* flipped(Testing.confluent(halfJoined, edges))
      expect(error).toMatchObject({
        _tag: "NotConfluent",
        what: "missing",
        fact: { kind: "Path", id: "a-c" },
        agent: "longer",
        cycle: 2,
        expected: { from: "a", to: "c" },
        found: undefined
      })
      expect(error.message).toContain(
        "it executes for each new Path and looks at Edge, but one of those that comes later"
      )
      expect(error.message).toContain("Agent.join")
    })
  )

  it.effect("finds a value that depends on who comes last", () =>
    Effect.gen(function* () {
      const notes = Program.make("notes", {
        input: Schema.Array(Schema.String),
        seed: (texts) => texts.map((text) => Edge.of({ from: text, to: text })),
        agents: [
          Agent.make("note", {
            each: Edge,
            writes: [Note],
            execute: ({ value: { from } }) => Effect.succeed({ facts: [Note.of({ about: "it", text: from })] })
          })
        ]
      })
      const error = yield* flipped(Testing.confluent(notes, ["one", "two"]))
      expect(error).toMatchObject({
        what: "different",
        fact: { kind: "Note", id: "it" },
        expected: { about: "it", text: "two" },
        found: { about: "it", text: "one" }
      })
      expect(error.message).not.toContain("half a join")
      expect(error.message).toContain('rule for conflicts is "keepLast"')
    })
  )

  it.effect("finds a fact that only another order has, and an end that only another order has", () =>
    Effect.gen(function* () {
      const lone = (execute: (size: number) => ReturnType<typeof one>) =>
        Program.make("lone", {
          input: Edges,
          seed: (pairs) => pairs.map(([from, to]) => Edge.of({ from, to })),
          agents: [Agent.make("lone", { reads: [Edge], writes: [Note], execute: (view) => execute(view.size(Edge)) })]
        })
      const one = (facts: ReadonlyArray<ReturnType<typeof Note.of>>) => Effect.succeed({ facts })
      const extra = lone((size) => one(size === 1 ? [Note.of({ about: "lone", text: "" })] : []))
      expect(yield* flipped(Testing.confluent(extra, edges))).toMatchObject({
        what: "extra",
        fact: { kind: "Note", id: "lone" },
        agent: "lone",
        expected: undefined
      })
      const dies = lone((size) => (size === 1 ? Effect.die("alone") : one([])))
      expect(yield* flipped(Testing.confluent(dies, edges))).toMatchObject({
        what: "end",
        expected: "converged",
        found: "AgentPanicked"
      })
    })
  )

  it.effect("refuses to compare a job that does not converge, and has nothing to try for a single seed", () =>
    Effect.gen(function* () {
      const error = yield* flipped(Testing.confluent(joined, edges.slice(0, 2)))
      expect(error).toMatchObject({ what: "end", found: "InvariantViolated", order: { name: "all at once" } })
      const alone = yield* Effect.provide(Testing.confluent(halfJoined, edges.slice(0, 1)), Engine.layerMemory)
      expect(alone.orders).toEqual([])
    })
  )

  it.effect("lets signals arrive beside the seeds, and names the agent that misses what came late", () =>
    Effect.gen(function* () {
      const signals = [Edge.of({ from: "b", to: "c" }), Edge.of({ from: "c", to: "d" })]
      const report = yield* Testing.confluent(withSignals(true), edges.slice(0, 1), { signals })
      expect(report.facts).toBe(9)
      expect(report.orders[0]).toEqual({
        name: "all signals last",
        parts: [
          [{ kind: "Edge", id: "a-b" }],
          signals.map(({ value }) => ({ kind: "Edge", id: `${value.from}-${value.to}` }))
        ]
      })
      const error = yield* Effect.flip(Testing.confluent(withSignals(false), edges.slice(0, 1), { signals }))
      expect(error).toMatchObject({
        _tag: "NotConfluent",
        what: "missing",
        fact: { kind: "Path", id: "a-c" },
        agent: "longer"
      })
      expect(error.message).toMatch(/^with the seeds and signals in another order \(all signals last\) Path\/a-c/)
      expect(error.message).toContain("The agent is half a join")
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("keeps the order of a fact's revisions if the last one decides, and splits the parts that hold two", () =>
    Effect.gen(function* () {
      const signals = [note("two"), note("three"), note("three")]
      const { facts, orders } = yield* Testing.confluent(notesOf("keepLast", false), {}, { signals })
      expect(facts).toBe(2)
      expect(orders.length).toBeGreaterThan(4)
      for (const { parts } of orders) {
        for (const part of parts) expect(new Set(part.map(({ id }) => id)).size).toBe(part.length)
        expect(parts.flat().length).toBe(5)
      }
      // The same orders, from an agent that looks at the note once for each edge.
      const error = yield* Effect.flip(Testing.confluent(notesOf("keepLast", true), {}, { signals }))
      expect(error).toMatchObject({ what: "different", fact: { kind: "Note", id: "seen" }, agent: "look" })
      expect(error.message).toContain("it executes for each new Edge and looks at Note")
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("tries the revisions of a fact in any order if its kind combines them by a function", () =>
    Effect.gen(function* () {
      const signals = [note("two"), note("six")]
      const least = yield* Testing.confluent(notesOf(leastText, false), {}, { signals })
      expect(least.facts).toBe(2)
      const error = yield* Effect.flip(Testing.confluent(notesOf(keepsLonger, false), {}, { signals }))
      expect(error).toMatchObject({ what: "different", fact: { kind: "Note", id: "it" }, agent: "" })
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it.effect("refuses options that it cannot use, each with a message that names it", () =>
    Effect.gen(function* () {
      const refused = (options: object) =>
        Effect.map(Effect.flip(Testing.confluent(withSignals(true), edges, options)), (error) => {
          expect(error._tag).toBe("InvalidOptions")
          return error.message
        })
      expect(yield* refused({ orders: 0 })).toContain("orders must be a whole number from 1 to 100000, not 0")
      expect(yield* refused({ seed: Number.NaN })).toContain("seed must be a whole number")
      expect(yield* refused({ signal: [] })).toContain('did you mean "signals"?')
      expect(yield* refused({ signals: Edge.of({ from: "a", to: "b" }) })).toContain("signals must be an array")
      expect(yield* refused({ signals: [Path.of({ from: "a", to: "b" })] })).toContain(
        'signals[0]: the program takes no signal of the kind "Path"'
      )
      expect(
        yield* refused({ signals: [Edge.of({ from: "a", to: "b" }), { kind: "Edge", value: { from: 1 } }] })
      ).toContain("signals[1]: ")
    }).pipe(Effect.provide(Engine.layerMemory))
  )
})
