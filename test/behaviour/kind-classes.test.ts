/**
 * Kinds that are classes. A program does with them what it does with plain kinds, to the byte, and a class that would say what
 * its kind does not is refused. (Their types are in test/types/kind-classes.ts and test/editor.test.ts.)
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  Agent,
  Engine,
  Fact,
  Intent,
  Invariant,
  type Job,
  JobError,
  JobStore,
  Program,
  Provenance,
  WorkerPool
} from "../../src/index.ts"
import { brokenOff, journalStore } from "../support/behaviour/durable.ts"
import { decide } from "../support/behaviour/intents.ts"
import * as classes from "../support/behaviour/kindForms/classes.ts"
import * as plain from "../support/behaviour/kindForms/kinds.ts"
import { order } from "../support/behaviour/kindForms/program.ts"
import { comparable, type End, failureOf, runInline } from "../support/core/run.ts"

const loose = (value: unknown): any => value
const execute = () => Effect.succeed({})
const options = { schema: Schema.Struct({ url: Schema.String }), id: ({ url }: { readonly url: string }) => url }
const reads = (kind: unknown) => () => Agent.make("reads", { reads: [loose(kind)], execute })

type Form = typeof plain
type Ended = End<Form["program"]>

/** An engine that performs the intents of a form of the program. */
const engineFor = (
  { Pay, kinds: { Paid } }: Form,
  pool: Layer.Layer<WorkerPool.WorkerPool>,
  store: Layer.Layer<JobStore.JobStore>
) =>
  Engine.layer({
    handlers: [
      Engine.handler(Pay, ({ payload }) =>
        Effect.succeed([Paid.of({ order: payload.order, text: `paid ${payload.order}` })])
      )
    ]
  }).pipe(Layer.provide(pool), Layer.provide(store))

const endOf = (job: Job.Job<Form["program"]>): Effect.Effect<Ended, unknown> =>
  Effect.gen(function* () {
    const outcome = yield* Effect.result(job.result)
    const events = yield* Stream.runCollect(job.events)
    return outcome._tag === "Success"
      ? { result: outcome.success, error: undefined, events }
      : { result: outcome.failure.partial, error: outcome.failure, events }
  })

const tagCount = (events: ReadonlyArray<{ readonly _tag: string }>, tag: string): number =>
  events.filter(({ _tag }) => _tag === tag).length

describe("a program whose kinds are classes", () => {
  const form = { plain, classes }
  type Name = keyof typeof form

  /** Runs a job that waits for an approval, is given a signal then, and after that the decision. */
  const signalled = (name: Name, pool: Layer.Layer<WorkerPool.WorkerPool>) =>
    Effect.provide(
      Effect.gen(function* () {
        const { kinds, program } = form[name]
        const job = yield* Engine.start(program, { orders: 8, asks: true }, { id: "job" })
        yield* job.until("awaiting")
        yield* job.signal([order(kinds, "late", "c1", 3), order(kinds, "o1", "c0", 4)])
        yield* job.until("awaiting")
        yield* job.signal([decide("go")])
        return yield* endOf(job)
      }),
      engineFor(form[name], pool, JobStore.layerMemory)
    )

  it.live("leaves the context, the hash and the events of one with plain kinds, without workers and with two", () =>
    Effect.gen(function* () {
      const pools = [WorkerPool.layerInline, WorkerPool.layer({ size: 2, execArgv: [] })]
      const ends: Array<Ended> = []
      for (const pool of pools)
        for (const name of ["plain", "classes"] as const) ends.push(yield* signalled(name, pool))
      expect(ends[0]!.error).toBeUndefined()
      const [first, ...others] = ends.map(comparable)
      for (const other of others) expect(other).toEqual(first)
      const { events, result } = ends[3]!
      expect(result.status).toBe("converged")
      expect(result.context.counts()).toEqual({
        Customer: 2,
        Decision: 1,
        Order: 9,
        Paid: 8,
        Placed: 8,
        Total: 3,
        Violation: 1
      })
      expect(tagCount(events, "IntentAnswered")).toBeGreaterThan(1)
      // Two signals, and eight answers of the handler.
      expect(tagCount(events, "SignalAdmitted")).toBe(10)
    })
  )

  it.live("goes on from the journal of one with plain kinds, whichever cycle broke off, and the other way round", () =>
    Effect.gen(function* () {
      const run = (name: Name, store: JobStore.JobStore["Service"]) =>
        Effect.provide(
          Effect.flatMap(Engine.start(form[name].program, { orders: 8, asks: false }, { id: "job" }), endOf),
          engineFor(form[name], WorkerPool.layerInline, Layer.succeed(JobStore.JobStore, store))
        )
      const whole = yield* run("plain", yield* journalStore)
      expect(whole.result.status).toBe("converged")
      for (const [before, after] of [
        ["plain", "classes"],
        ["classes", "plain"],
        ["classes", "classes"]
      ] as const) {
        for (let at = 0; at < whole.result.usage.cycles - 1; at++) {
          const store = yield* journalStore
          expect((yield* run(before, brokenOff(store, at))).error?._tag).toBe("StoreFailed")
          expect(comparable(yield* run(after, store)), `${before}, then ${after} after ${at} cycles`).toEqual(
            comparable(whole)
          )
        }
      }
    })
  )
})

describe("a class of a kind", () => {
  it.live("is the kind wherever one is asked for", () =>
    Effect.gen(function* () {
      class Url extends Fact.Kind("Url", { ...options, indexes: { first: ({ url }) => url.slice(0, 1) } }) {}
      class Page extends Fact.Kind("Page", { ...options, conflict: "keepLast" }) {}
      const Fetch = Intent.kind("Fetch", { payload: Schema.String, answers: [Page], record: true })
      const program = Program.make("crawl", {
        input: Schema.Struct({}),
        kinds: [Page],
        signals: [Url],
        seed: () => [{ url: "a" }, { url: "b" }].map(Url.of),
        agents: [
          Agent.make("fetch", {
            each: Url,
            reads: [Url],
            writes: [Page],
            intents: [Fetch],
            execute: (fact, view) =>
              Effect.succeed({
                facts: view.by(Url, "first", "b").map(({ value }) => Page.of(value, { because: [fact] })),
                intents: [Fetch.of(fact.id)],
                evaluations: [{ fact: Url.ref(fact.id), score: 1, reason: "fetched" }]
              })
          })
        ],
        invariants: [Invariant.acceptance("pages", (view) => view.size(Page) === 1, { reads: [Page] })],
        output: (view) => [view.delta(Url).length, view.get(Url, "a"), view.evaluations(Url.ref("b")).length]
      })
      const { result } = yield* runInline(program, {})
      expect(result.status).toBe("converged")
      expect(result.context.all(Url).map(({ id }) => id)).toEqual(["a", "b"])
      expect(result.context.get(Page, "b")).toMatchObject({ value: { value: { url: "b" } } })
      expect(result.context.by(Url, "first", "a")).toHaveLength(1)
      expect(result.context.size(Page)).toBe(1)
      expect(result.context.evaluations(Url.ref("a"))).toHaveLength(1)
      expect(Provenance.explain(result.context, Page.ref("b"))?.causes[0]?.fact).toMatchObject(Url.ref("a"))
    })
  )

  it("has the parts that `Fact.kind` gives a kind", () => {
    const kind = Fact.kind("Url", options)
    const Class = Fact.Kind("Url", options)
    expect(Object.keys(Class)).toEqual(expect.arrayContaining(["name", "schema", "id", "conflict", "retention"]))
    expect(Class.of({ url: "a" })).toEqual(kind.of({ url: "a" }))
    expect(Class.ref("a")).toEqual({ kind: "Url", id: "a" })
    expect(kind.ref("a")).toEqual({ kind: "Url", id: "a" })
    expect(Class.id({ url: "a" })).toBe("a")
    expect(Fact.isKind(Class)).toBe(true)
    expect(Fact.isKind(class extends Class {})).toBe(true)
    expect(Fact.isKind(Schema.Class)).toBe(false)
  })

  it("has the kind's name once a definition has taken it, whatever a minifier calls it", () => {
    class m extends Fact.Kind("Url", options) {}
    reads(m)()
    expect(m.name).toBe("Url")
  })

  it("may be used as `Fact.Kind` gives it, beside the class that extends it", () => {
    const Base = Fact.Kind("Url", options)
    class Url extends Base {}
    const both = Agent.make("both", { reads: [Base, Url], execute })
    expect(() => Program.make("p", { input: Schema.Struct({}), agents: [both] })).not.toThrow()
  })

  it("may have static members of its own", () => {
    class Url extends Fact.Kind("Url", options) {
      static readonly home = Url.of({ url: "/" })
      static host(this: void, value: Url): string {
        return value.url
      }
    }
    expect(reads(Url)).not.toThrow()
    expect(Url.host(Url.home.value)).toBe("/")
  })

  it("has no instances, and says what to write instead", () => {
    class Url extends Fact.Kind("Url", options) {}
    expect(() => new (loose(Url))({ url: "a" })).toThrow(TypeError)
    expect(() => new (loose(Url))({ url: "a" })).toThrow(/"Url" has no instances.*write Url\.of\(value\)/)
    expect(() => loose({ url: "a" }) instanceof Url).toThrow(/compare fact\.kind with Url\.name/)
  })
})

describe("a class that cannot stand for its kind", () => {
  class Url extends Fact.Kind("Url", options) {}
  class Special extends Url {}
  class WithMethod extends Fact.Kind("Url", options) {
    host(): string {
      return ""
    }
  }
  class WithGetter extends Fact.Kind("Url", options) {
    get [Symbol.toStringTag](): string {
      return ""
    }
  }
  class OwnId extends Fact.Kind("Url", options) {
    static override readonly id = () => "same"
  }
  class OwnName extends Fact.Kind("Url", options) {
    static override readonly name = "Url"
  }
  const Base = Fact.Kind("Url", options)
  class First extends Base {}
  class Second extends Base {}
  reads(First)()
  class frozen extends Fact.Kind("Url", options) {}
  Object.freeze(frozen)
  class Uncalled extends loose(Fact.Kind) {}

  const refusals: Readonly<Record<string, readonly [unknown, RegExp]>> = {
    "a class of a class": [
      Special,
      /kind "Url": the class Special extends the class Url, .* write class Special extends Fact\.Kind\("Special", /
    ],
    "a method": [WithMethod, /kind "Url": the class WithMethod has the member "host", which no value has/],
    "a getter": [WithGetter, /has the member "Symbol\(Symbol\.toStringTag\)"/],
    "an `id` of its own": [OwnId, /kind "Url": the class OwnId has a static "id", which the kind would not use/],
    "a `name` of its own": [OwnName, /has a static "name"/],
    "a second class of one kind": [Second, /kind "Url": Url and Second are two classes of it/],
    "a frozen class with another name": [frozen, /kind "Url": the class frozen is frozen and has another name/],
    "a class that extends `Fact.Kind` without a call": [
      Uncalled,
      /Fact\.Kind is not called: write class Url extends Fact\.Kind\("Url", \{ schema, id \}\) \{\}/
    ]
  }
  const places: Readonly<Record<string, (kind: any) => unknown>> = {
    each: (kind) => Agent.make("a", { each: kind, execute }),
    reads: (kind) => Agent.make("a", { reads: [kind], execute }),
    writes: (kind) => Agent.make("a", { writes: [kind], execute }),
    join: (kind) => Agent.join("a", { left: [Url, () => ""], right: [kind, () => ""], execute: () => ({}) }),
    fold: (kind) =>
      Agent.fold("a", { over: kind, by: () => "", into: kind, add: () => loose({}), remove: () => loose({}) }),
    kinds: (kind) => Program.make("p", { input: Schema.Struct({}), agents: [], kinds: [kind] }),
    signals: (kind) => Program.make("p", { input: Schema.Struct({}), agents: [], signals: [kind] }),
    "an invariant": (kind) =>
      Program.make("p", {
        input: Schema.Struct({}),
        agents: [],
        invariants: [Invariant.semantic("i", () => true, { reads: [kind] })]
      }),
    "answers of intents": (kind) =>
      Program.make("p", {
        input: Schema.Struct({}),
        agents: [Agent.make("a", { intents: [Intent.kind("I", { payload: Schema.String, answers: [kind] })], execute })]
      })
  }
  for (const [what, [given, message]] of Object.entries(refusals)) {
    it(`is refused: ${what}`, () => {
      for (const define of Object.values(places)) {
        expect(() => define(given)).toThrow(JobError.InvalidProgram)
        expect(() => define(given)).toThrow(message)
      }
    })
  }

  it.each([[""], [undefined], [{ schema: options.schema }], ["\ud800"]])("is not made for the name %j", (name) => {
    expect(() => Fact.Kind(loose(name), options)).toThrow(JobError.InvalidProgram)
    expect(() => Fact.Kind(loose(name), options)).toThrow(/a kind needs a name|well-formed/)
  })

  it("is not made for options that a kind refuses", () => {
    expect(() => Fact.Kind("Url", loose({ schema: options.schema }))).toThrow(/kind "Url": id must be a function/)
    expect(() => Fact.Kind("Url", { ...options, schema: loose(Schema.Date) })).toThrow(JobError.InvalidProgram)
  })

  it("is not made of what `Fact.kind` gives: the language refuses that before it runs", () => {
    expect(() => class extends loose(Fact.kind("Url", options)) {}).toThrow(/not a constructor/)
  })
})

describe("messages", () => {
  class k extends Fact.Kind("Url", options) {}
  class l extends Fact.Kind("Page", options) {}
  const withOne = (agent: Agent.Agent<string, Fact.Kind.Any, Fact.Kind.Any, never, never>) =>
    Program.make("p", {
      module: import.meta.url,
      input: Schema.Struct({}),
      agents: [agent],
      kinds: [k],
      seed: () => [k.of({ url: "a" })] as never
    })

  it.live("say the name that a kind was given, whatever its class is called", () =>
    Effect.gen(function* () {
      const undeclared = Agent.make("undeclared", {
        each: k,
        execute: () => Effect.succeed({ facts: [l.of({ url: "b" })] as never })
      })
      expect((yield* runInline(withOne(undeclared), {})).error).toMatchObject({
        _tag: "InvalidEffect",
        message: expect.stringContaining('"Page"') as string
      })
      class o extends Fact.Kind("Unknown", options) {}
      const blind = Agent.cpu("blind", {
        each: k,
        placement: "inline",
        execute: (_, view) => {
          view.all(o as never)
          return {}
        }
      })
      expect((yield* runInline(withOne(blind), {})).error).toMatchObject({
        _tag: "AgentPanicked",
        message: expect.stringContaining('looked at "Unknown"') as string
      })
      expect(() =>
        Agent.fold("f", { over: k, by: () => "", into: l, add: () => loose({}), remove: () => loose({}) })
      ).toThrow(/give Page conflict: "keepLast"/)
    })
  )

  it.live("name a conflict's kind so, too", () =>
    Effect.gen(function* () {
      class n extends Fact.Kind("Note", {
        schema: Schema.Struct({ id: Schema.String, n: Schema.Finite }),
        id: ({ id }) => id
      }) {}
      const twice = Program.make("twice", {
        input: Schema.Struct({}),
        agents: [],
        kinds: [n],
        seed: () => [n.of({ id: "a", n: 1 }), n.of({ id: "a", n: 2 })]
      })
      const error = yield* failureOf(Effect.provide(Engine.run(twice, {}), Engine.layerMemory))
      expect(JSON.stringify(error)).toContain("Note")
    })
  )
})
