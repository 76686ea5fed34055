/**
 * Records of a journal that no hash covers: the header, the extras of rows, notes, effects that are kept, and the end.
 *
 * Whatever stands there, a reader gets what was written, or `JournalCorrupt` that names the part: never a defect, and never a
 * value that was not written. Here the records are changed as a store would give them whose own checksums fit.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Engine, Fact, JobStore, Journal, Program } from "../../src/index.ts"
import { seal } from "../../src/journal/edges.ts"
import { engineOnStore, journalStore, killedAfter } from "../support/behaviour/durable.ts"
import {
  anyProgram,
  counter,
  ended,
  failure,
  noInput,
  Num,
  num,
  openEngine,
  until
} from "../support/behaviour/harness.ts"

type Store = JobStore.JobStore["Service"]
type AnyProgram = ReturnType<typeof anyProgram>
type Path = ReadonlyArray<string | number>

/** A set of bits that combines what agents add. */
const Sum = Fact.kind("Sum", {
  schema: Schema.Struct({ id: Schema.String, n: Schema.Int }),
  id: ({ id }) => id,
  conflict: (existing, proposed) => ({ id: existing.id, n: existing.n | proposed.n })
})

class Odd extends Error {
  readonly _tag = "Odd"
}

/** Counts to 3; each row has ids, a combined fact, a trace, tokens and an effect that is discarded. `halts`: the job ends so. */
const rich = (halts: boolean) =>
  Program.make("rich", {
    input: noInput,
    seed: () => [num(0)],
    agents: [
      Agent.make("adds", {
        each: Num,
        writes: [Num, Sum],
        execute: ({ value: { n } }) =>
          Effect.succeed({
            facts: [...(n < 3 ? [num(n + 1)] : []), Sum.of({ id: "all", n: n + 1 })],
            trace: { n },
            usage: { tokens: n + 1 }
          })
      }),
      Agent.make("fails", {
        reads: [Num],
        onFailure: halts ? "halt" : "discard",
        execute: (view) => (view.size(Num) < 2 ? Effect.succeed({}) : Effect.fail(new Odd("no")))
      })
    ],
    output: (view) => view.size(Num)
  })

/** A converged job `whole`, and a job `halted` that an agent failed. */
const journals = Effect.gen(function* () {
  const store = yield* journalStore
  yield* Effect.gen(function* () {
    yield* Engine.run(rich(false), {}, { id: "whole" })
    yield* ended(Engine.run(rich(true), {}, { id: "halted" }))
  }).pipe(Effect.provide(engineOnStore(store)))
  return store
})

/** A number that JSON can write and JavaScript reads as infinite. */
const huge = "1e999"

/** A JSON text with another value at a path; undefined: without it. */
const put = (text: string, path: Path, value: unknown): string => {
  const whole = { root: JSON.parse(text) as unknown }
  const keys = ["root", ...path]
  let place = whole as unknown as Record<string | number, unknown>
  for (const key of keys.slice(0, -1)) place = place[key] as typeof place
  const last = keys[keys.length - 1]!
  if (value === undefined) delete place[last]
  else place[last] = value
  return JSON.stringify(whole.root).replaceAll(`"${huge}"`, huge)
}

/** The store, whose records are read as somebody has changed them. */
const withRecords = (
  store: Store,
  change: {
    readonly header?: (text: string) => string
    readonly end?: (text: string) => string
    readonly extra?: (text: string, cycle: number) => string
  }
): Store => ({
  ...store,
  load: (jobId) =>
    Effect.map(store.load(jobId), (journal) => ({
      ...journal,
      header: change.header?.(journal.header) ?? journal.header,
      end: journal.end === undefined ? undefined : (change.end?.(journal.end) ?? journal.end)
    })),
  rows: (...asked) =>
    Stream.map(store.rows(...asked), (row) => ({ ...row, extra: change.extra?.(row.extra, row.cycle) ?? row.extra }))
})

/** The outcome for a reader: a failure, as it is, or what it read. A defect stays one, and fails the test. */
const outcome = <A, E>(read: Effect.Effect<A, E, JobStore.JobStore>, store: Store) =>
  Effect.map(Effect.exit(Effect.provideService(read, JobStore.JobStore, store)), (exit) => {
    if (Exit.isSuccess(exit)) return exit.value
    const [reason] = exit.cause.reasons
    return reason?._tag === "Fail" ? reason.error : { defect: String(reason?._tag === "Die" ? reason.defect : reason) }
  })

/** Everybody who reads a journal to its end. */
const readers = (program: AnyProgram, id: string, store: Store) => [
  outcome(Journal.replay(id), store),
  outcome(Journal.replay(id, { program }), store),
  outcome(Stream.runDrain(Stream.unwrap(Journal.events(id))), store),
  outcome(Effect.scoped(Effect.provide(Engine.resume(program, id), engineOnStore(store))), store),
  outcome(Effect.scoped(Effect.provide(Engine.fork(program, id), engineOnStore(store))), store)
]

/** Values of the wrong type for a field, whatever its type. */
const never = (...others: ReadonlyArray<unknown>) => [null, "x", -1, 1.5, huge, true, [], {}, ...others]

const except = (values: ReadonlyArray<unknown>, ...fit: ReadonlyArray<unknown>) =>
  values.filter((value) => !fit.some((one) => JSON.stringify(one) === JSON.stringify(value)))

const notText = except(never(), "x")
const notTexts = except(never([1], [null]), [])
const notCount = never()
const notFlag = except(never(), true)
const notMs = except(never(), -1, 1.5)

/** Where in the extra of cycle 2 what stands that must not. */
const extras: ReadonlyArray<readonly [Path, ReadonlyArray<unknown>]> = [
  [[], except(never())],
  [["at"], [...notMs, undefined, 1e300]],
  [["ranMs"], [...notMs, undefined]],
  [["cpuMs"], [...notMs, undefined]],
  [["before"], except(never(["Started"], [null]), [])],
  [["handled"], notTexts],
  [
    ["children"],
    except(never({ spent: 1 }, { spent: { facts: "x" } }, { shares: [1] }, { shares: [{ facts: 1 }] }), {})
  ],
  [["signals"], except(never([0], [null]), [])],
  [["outcomes"], never([0], [0, 0, 0], [0, 0], undefined)],
  [
    ["outcomes", 0],
    [...never({}), 0]
  ],
  [
    ["outcomes", 0, "ids"],
    [...notTexts, [], ["2"], ["2", "all", "3"], undefined]
  ],
  [["outcomes", 0, "combined"], except(never([null], [[1]], [[0, 5]], [["1", null]], [[9, null]], [[1, "{"]]), [])],
  [["outcomes", 0, "tokens"], except(never(), 1.5)],
  [["outcomes", 0, "cause"], never({ _tag: "JobCancelled", cycle: 2 })],
  [
    ["outcomes", 1],
    [...never(), 0]
  ],
  [
    ["outcomes", 1, "cause"],
    [...never({ _tag: "Nothing", cycle: 2 }, { _tag: "JobCancelled", cycle: 2 }), undefined]
  ],
  [
    ["outcomes", 1, "cause", "agent"],
    [...notText, undefined]
  ],
  [
    ["outcomes", 1, "cause", "cycle"],
    [null, "x", true, [], {}, undefined]
  ],
  [["outcomes", 1, "cause", "error"], [undefined]],
  [["outcomes", 1, "proposals"], notCount],
  [
    ["halt"],
    never(["outcome"], ["outcome", 0], ["outcome", 9], ["outcome", -1], ["signal", 0], ["row", 1], { cause: {} })
  ]
]

const kept = (path: Path) => ["beginning", ...path]

/** Where in the header what stands that must not. */
const headers: ReadonlyArray<readonly [Path, ReadonlyArray<unknown>]> = [
  [[], never()],
  [["format"], [...never(2), undefined]],
  [["program"], [...notText, undefined]],
  [["version"], [...notText, undefined]],
  [["budget"], [...never(), undefined]],
  [
    ["budget", "cycles"],
    [...except(never(), null, 1.5), undefined]
  ],
  [
    ["budget", "duration"],
    [...except(never(), null, 1.5), undefined]
  ],
  [["kinds"], [...except(never([1], [null], [{}]), []), undefined]],
  [
    ["kinds", 0, "name"],
    [...notText, undefined]
  ],
  [
    ["kinds", 0, "latest"],
    [...except(never(0), null), undefined]
  ],
  [
    ["kinds", 0, "conflict"],
    [...never("any"), undefined]
  ],
  [
    ["kinds", 0, "fingerprint"],
    [...notText, undefined]
  ],
  [["triggers"], [...except(never([1], [["a"]], [["a", "b"]], [[1, []]]), []), undefined]],
  [["executed"], [...notTexts, undefined]],
  [["isForced"], [...notFlag, undefined]],
  [["handed"], except(never({ tokens: -1 }, { cycles: "x" }), {})],
  [["earlier"], [...except(never([1], [{}], [{ until: 0, isMigrated: false }]), []), undefined]],
  [["beginning"], [...never(), undefined]],
  [kept(["seeds"]), [...never(), undefined]],
  [kept(["seeds", "ids"]), [...notTexts, [], undefined]],
  [kept(["seeds", "cause"]), never()],
  [kept(["violations"]), [...except(never([1], [null], [{ invariant: "i" }]), []), undefined]],
  [kept(["halt"]), never(["signal", 0], ["outcome", 0], { cause: null })]
]

/** Where in the end what stands that must not. */
const ends: ReadonlyArray<readonly [Path, ReadonlyArray<unknown>]> = [
  [[], never()],
  [["status"], [...never("done"), undefined]],
  [["cause"], [...never({ _tag: "Odd" }), undefined]],
  [
    ["cause", "_tag"],
    [...never(), undefined]
  ],
  [
    ["cause", "agent"],
    [...notText, undefined]
  ],
  [["usage"], [...never(), undefined]],
  [
    ["usage", "cycles"],
    [...notCount, undefined]
  ],
  [
    ["usage", "facts"],
    [...notCount, undefined]
  ],
  [
    ["usage", "durationMs"],
    [...notMs, undefined]
  ],
  [
    ["usage", "cpuMs"],
    [...notMs, undefined]
  ],
  [
    ["usage", "tokens"],
    [...except(notCount, 1.5), undefined]
  ]
]

const pathOf = (path: Path) => (path.length === 0 ? "it all" : path.join("."))

/** Runs the readers over each damage; those that did not find it, in words. */
const missed = (
  program: AnyProgram,
  id: string,
  values: ReadonlyArray<unknown>,
  damaged: (value: unknown) => Store,
  parts: ReadonlyArray<string>,
  isRead: (reader: number) => boolean = () => true
) =>
  Effect.gen(function* () {
    const found: Array<string> = []
    for (const value of values) {
      const store = damaged(value)
      const { corrupt } = yield* Effect.provideService(Journal.verify(id), JobStore.JobStore, store).pipe(
        Effect.catchDefect((defect) => Effect.succeed({ corrupt: { part: `defect: ${String(defect)}` } }))
      )
      if (!parts.includes(corrupt?.part ?? ""))
        found.push(`${JSON.stringify(value)}: verify: ${corrupt?.part ?? "intact"}`)
      for (const [index, read] of readers(program, id, store).entries()) {
        const end = yield* read
        const { _tag, part } = (typeof end === "object" ? end : {}) as {
          readonly _tag?: string
          readonly part?: string
        }
        if (isRead(index) && !(_tag === "JournalCorrupt" && parts.includes(part ?? ""))) {
          found.push(`${JSON.stringify(value)}: reader ${index}: ${JSON.stringify(end)?.slice(0, 90)}`)
        }
      }
    }
    return found
  })

describe("the extra of a row", () => {
  for (const [path, values] of extras) {
    it.live(`that has something else as ${pathOf(path)} is named by every reader`, () =>
      Effect.gen(function* () {
        const store = yield* journals
        const damaged = (value: unknown) =>
          withRecords(store, { extra: (text, cycle) => (cycle === 2 ? put(text, path, value) : text) })
        expect(yield* missed(anyProgram(rich(false)), "whole", values, damaged, ["extra"])).toEqual([])
      })
    )
  }

  it.live("says where the cause of a halt stands, and is named if it is not there", () =>
    Effect.gen(function* () {
      const store = yield* journals
      const damaged = (value: unknown) =>
        withRecords(store, { extra: (text, cycle) => (cycle === 2 ? put(text, ["halt"], value) : text) })
      expect(
        yield* missed(
          anyProgram(rich(true)),
          "halted",
          [
            ["outcome", 0],
            ["signal", 1]
          ],
          damaged,
          ["extra"]
        )
      ).toEqual([])
    })
  )

  it.live("is named with cycle, expectation and what was found, and the rows before it are read", () =>
    Effect.gen(function* () {
      const store = withRecords(yield* journals, {
        extra: (text, cycle) => (cycle === 2 ? put(text, ["at"], huge) : text)
      })
      const error = yield* failure(Effect.provideService(Journal.replay("whole"), JobStore.JobStore, store))
      expect(error).toMatchObject({
        _tag: "JournalCorrupt",
        jobId: "whole",
        cycle: 2,
        part: "extra",
        expected: "what this version writes",
        found: "at: Infinity"
      })
      const before = yield* Effect.provideService(Journal.replay("whole", { at: 1 }), JobStore.JobStore, store)
      expect(before.cycle).toBe(1)
    })
  )

  it.live("may have keys of a later version", () =>
    Effect.gen(function* () {
      const store = yield* journals
      const later = withRecords(store, {
        header: (text) => put(put(text, ["later"], { a: 1 }), ["beginning", "later"], null),
        end: (text) => put(put(text, ["later"], [1]), ["usage", "later"], 3),
        extra: (text) => put(text, ["later"], "x")
      })
      const end = yield* outcome(
        Effect.scoped(
          Effect.provide(
            Effect.flatMap(Engine.resume(rich(false), "whole"), ({ result }) => result),
            engineOnStore(later)
          )
        ),
        store
      )
      expect(end).toMatchObject({ status: "converged", output: 4 })
    })
  )
})

describe("the header", () => {
  for (const [path, values] of headers) {
    it.live(`that has something else as ${pathOf(path)} is named by every reader`, () =>
      Effect.gen(function* () {
        const store = yield* journals
        const damaged = (value: unknown) => withRecords(store, { header: (text) => put(text, path, value) })
        expect(yield* missed(anyProgram(rich(false)), "whole", values, damaged, ["header"])).toEqual([])
      })
    )
  }

  it.live("says what it should be, and what it is", () =>
    Effect.gen(function* () {
      const store = yield* journals
      const found = (path: Path, value: unknown) =>
        Effect.map(
          failure(
            Effect.provideService(
              Journal.replay("whole"),
              JobStore.JobStore,
              withRecords(store, { header: (text) => put(text, path, value) })
            )
          ),
          (error) => (error._tag === "JournalCorrupt" ? [error.cycle, error.part, error.expected, error.found] : error)
        )
      expect(yield* found(["format"], 2)).toEqual([
        0,
        "header",
        "a header of format 1",
        "Unreadable: its format is 2; this version reads format 1"
      ])
      expect(yield* found(["kinds", 1, "latest"], 0.5)).toEqual([
        0,
        "header",
        "a header of format 1",
        expect.stringMatching(/^Unreadable: kinds\.1\.latest: /)
      ])
    })
  )
})

describe("the end", () => {
  for (const [path, values] of ends) {
    it.live(`that has something else as ${pathOf(path)} is named by every reader of ends`, () =>
      Effect.gen(function* () {
        const store = yield* journals
        const damaged = (value: unknown) => withRecords(store, { end: (text) => put(text, path, value) })
        const parts = ["end", "status"]
        expect(yield* missed(anyProgram(rich(true)), "halted", values, damaged, parts)).toEqual([])
      })
    )
  }

  it.live("of a converged job has no cause", () =>
    Effect.gen(function* () {
      const store = yield* journals
      const damaged = (value: unknown) => withRecords(store, { end: (text) => put(text, ["cause"], value) })
      expect(
        yield* missed(anyProgram(rich(false)), "whole", [{ _tag: "JobCancelled", cycle: 1 }], damaged, ["end"])
      ).toEqual([])
    })
  )
})

describe("a beginning that is no JSON any more", () => {
  it.live("is named when the job is started again with its input", () =>
    Effect.gen(function* () {
      const store = yield* journals
      const damaged: Store = {
        ...store,
        load: (jobId) => Effect.map(store.load(jobId), (journal) => ({ ...journal, text: journal.text.slice(1) }))
      }
      const start = Effect.provide(Engine.start(rich(false), {}, { id: "whole" }), engineOnStore(damaged))
      expect(yield* outcome(Effect.scoped(start), store)).toMatchObject({
        _tag: "JournalCorrupt",
        cycle: 0,
        part: "hash"
      })
    })
  )
})

describe("an agent that failed with an empty text", () => {
  it.live("has failed so when its journal is read again", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const empty = Program.make("empty", {
        input: noInput,
        seed: () => [num(0)],
        agents: [
          Agent.make("throws", {
            reads: [Num],
            execute: () => Effect.die("")
          })
        ]
      })
      const live = yield* ended(Effect.provide(Engine.run(empty, {}, { id: "e" }), engineOnStore(store)))
      expect(live).toMatchObject({ _tag: "AgentPanicked", message: "" })
      const read = Effect.flatMap(Engine.resume(empty, "e"), ({ result }) => result)
      expect(yield* ended(Effect.provide(read, engineOnStore(store)))).toMatchObject({
        _tag: "AgentPanicked",
        message: ""
      })
    })
  )
})

describe("a note", () => {
  it.live("that has something else is named by every reader", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { killed } = killedAfter(store, 1)
      yield* Effect.exit(Effect.provide(Engine.run(counter(3), {}, { id: "open" }), engineOnStore(killed)))
      yield* store.release("open", 1)
      const damaged = (value: unknown): Store => ({
        ...store,
        load: (jobId) =>
          Effect.map(store.load(jobId), (journal) => ({
            ...journal,
            note: seal(jobId, value === undefined ? "[" : JSON.stringify(value))
          }))
      })
      const values = except(never(["Started"], [null], [["Paused"]], undefined), [])
      // Replays of the rows alone do not read it.
      expect(
        yield* missed(
          anyProgram(counter(3)),
          "open",
          values,
          damaged,
          ["note"],
          (reader) => reader === 2 || reader === 3
        )
      ).toEqual([])
    })
  )
})

describe("an effect that was kept", () => {
  const asked: Array<number> = []
  const dear = (isStuck: boolean) =>
    Program.make("dear", {
      input: noInput,
      seed: () => [num(1)],
      agents: [
        Agent.make("dear", {
          reads: [Num],
          writes: [Sum],
          memoize: true,
          execute: (view) =>
            Effect.sync(() => {
              asked.push(view.size(Num))
              return { facts: [Sum.of({ id: "all", n: 1 })] }
            })
        }),
        Agent.make("other", { reads: [Num], execute: () => (isStuck ? Effect.never : Effect.succeed({})) })
      ],
      output: (view) => view.all(Sum).map(({ value }) => value.n)
    })

  it.live("and is not what was written is as good as none: the agent is asked again", () =>
    Effect.gen(function* () {
      const damages: ReadonlyArray<readonly [Path, unknown]> = [
        [[], null],
        [["facts"], [["Sum", 5, { id: "all", n: 1 }]]],
        [["facts", 0, 1], null],
        [["intents"], [{ kind: 5, payload: 1 }]],
        [["evaluations"], [{ fact: { kind: "Num", id: "1" }, score: "high", reason: "" }]],
        [["evaluations"], [{ fact: { kind: "Num", id: "1" }, score: huge, reason: "" }]],
        [["tokens"], "7"],
        [["tokens"], huge],
        [["tokens"], undefined]
      ]
      for (const [path, value] of damages) {
        const store = yield* journalStore
        const { close, use } = yield* openEngine(engineOnStore(store))
        yield* use(Engine.start(dear(true), {}, { id: "j" }))
        yield* until(Effect.orDie(Effect.map(store.kept("j"), (kept) => kept.length === 1)))
        yield* close
        const { hash } = yield* store.load("j")
        const damaged: Store = {
          ...store,
          kept: (jobId) =>
            Effect.map(store.kept(jobId), (all) =>
              all.map((kept) => ({
                ...kept,
                text: seal(`${hash}\n${kept.key}`, put(kept.text.slice(16), path, value))
              }))
            )
        }
        asked.length = 0
        const result = yield* Effect.flatMap(Engine.resume(dear(false), "j"), ({ result }) => result).pipe(
          Effect.provide(engineOnStore(damaged))
        )
        expect([pathOf(path), asked, result.output]).toEqual([pathOf(path), [1], [1]])
      }
    })
  )
})
