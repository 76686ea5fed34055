/**
 * Recorded answers and rehearsals: a stored job answers for what reaches outside, and new code says what it would have done.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Page = Fact.kind("Page", { schema: Schema.Struct({ url: Schema.String }), id: ({ url }) => url })
const Text = Fact.kind("Text", {
  schema: Schema.Struct({ url: Schema.String, text: Schema.String }),
  id: ({ url }) => url
})
const Size = Fact.kind("Size", {
  schema: Schema.Struct({ url: Schema.String, words: Schema.Number }),
  id: ({ url }) => url
})
const Sent = Fact.kind("Sent", {
  schema: Schema.Struct({ url: Schema.String, at: Schema.DateTimeUtcFromString }),
  id: ({ url }) => url
})
const Mail = Intent.kind("Mail", { payload: Schema.Struct({ url: Schema.String }), answers: [Sent] })

class Web extends Context.Service<Web, { readonly get: (url: string) => Effect.Effect<string, Gone> }>()("test/Web") {}
class Gone extends Data.TaggedError("Gone")<{ readonly url: string }> {}

const version = (wordsIn: (text: string) => number, extra: ReadonlyArray<string> = [], isMailing = true) =>
  Program.make("reading", {
    module: import.meta.url,
    input: Schema.Array(Schema.String),
    seed: (urls) => [...urls, ...extra].map((url) => Page.of({ url })),
    agents: [
      Agent.make("fetch", {
        each: Page,
        writes: [Text],
        onFailure: "discard",
        execute: (page) =>
          Effect.gen(function* () {
            const text = yield* Effect.flatMap(Web, (web) => web.get(page.value.url))
            return { facts: [Text.of({ url: page.value.url, text }, { because: [page] })], usage: { tokens: 3 } }
          })
      }),
      Agent.cpu("measure", {
        each: Text,
        writes: [Size],
        placement: "inline",
        execute: ({ value: { text, url } }) => ({ facts: [Size.of({ url, words: wordsIn(text) })] })
      }),
      Agent.make("mail", {
        each: Size,
        intents: [Mail],
        execute: ({ value }) =>
          Effect.succeed({
            intents: isMailing ? [Mail.of({ url: value.url })] : [Intent.approval({ id: value.url })]
          })
      })
    ],
    output: (view) => view.size(Size)
  })

const words = (text: string) => text.split(" ").length
const first = version(words)

let asked: Array<string> = []
const web = Effect.provideService(Web, {
  get: (url) =>
    Effect.suspend(() => {
      asked.push(url)
      return url === "gone" ? Effect.fail(new Gone({ url })) : Effect.succeed(`the text of ${url}`)
    })
})

const mailer = Engine.handler(Mail, ({ payload }) =>
  Effect.sync(() => {
    asked.push(`mail ${payload.url}`)
    return [Sent.of({ url: payload.url, at: Schema.decodeSync(Schema.DateTimeUtcFromString)("2026-01-02T03:04:05Z") })]
  })
)

const pages = ["a", "gone", "b"]

/** Runs a job once, and keeps it. */
const record = Effect.gen(function* () {
  asked = []
  const { hash } = yield* web(Engine.run(first, pages, { id: "read" }))
  expect(asked).toEqual(["a", "gone", "b", "mail a", "mail b"])
  asked = []
  const recording = yield* Testing.recording("read")
  return { hash, recording: JSON.parse(JSON.stringify(recording)) as Testing.Recording }
}).pipe(Effect.provide(Testing.layer({ handlers: [mailer] })))

describe("Testing.recorded", () => {
  it.effect("gives the same hash without a question to the world", () =>
    Effect.gen(function* () {
      const { hash, recording } = yield* record
      expect(recording).toMatchObject({ program: "reading", status: "converged", hash, handled: ["Mail"] })
      const { handlers, program } = Testing.recorded(first, recording)
      const again = Effect.provide(Engine.run(program, pages), Testing.layer({ handlers }))
      const { diagnostics, ...result } = yield* again
      expect({ hash: result.hash, tokens: result.usage.tokens, asked }).toEqual({ hash, tokens: 6, asked: [] })
      expect(diagnostics.map(({ agent, cause }) => [agent, cause._tag])).toEqual([["fetch", "AgentFailed"]])
    })
  )

  it.effect("performs no intent that nobody performed in the recording", () =>
    Effect.gen(function* () {
      const recording = yield* Effect.gen(function* () {
        // An engine without a handler runs the job all the same. Only its type says that it needs one.
        const unheard = first as unknown as Testing.RecordedProgram<typeof first>
        yield* web(Engine.run(unheard, ["a"], { id: "unheard" }))
        return yield* Testing.recording("unheard")
      }).pipe(Effect.provide(Testing.layer()))
      expect(recording.handled).toEqual([])
      const { handlers, program } = Testing.recorded(first, recording)
      const again = yield* Effect.provide(Engine.run(program, ["a"]), Testing.layer({ handlers }))
      expect(again.diagnostics.map(({ cause }) => cause._tag)).toEqual(["NotPerformed"])
      expect(again.hash).toBe(recording.hash)
    })
  )

  it.effect("names a task that was not recorded", () =>
    Effect.gen(function* () {
      const { recording } = yield* record
      const { handlers, program } = Testing.recorded(first, recording)
      const error = yield* Effect.flip(Effect.provide(Engine.run(program, ["c"]), Testing.layer({ handlers })))
      expect(error).toMatchObject({ _tag: "AgentPanicked", agent: "fetch", cycle: 1 })
      expect(error.message).toBe(
        `agent "fetch" on Page/c has no recorded answer in cycle 1: record a job that executes it`
      )
    })
  )
})

describe("Testing.rehearse", () => {
  it.effect("says that nothing is otherwise with the same code", () =>
    Effect.gen(function* () {
      const { hash, recording } = yield* record
      const { jobs } = yield* Testing.rehearse(first, [recording])
      expect(jobs).toEqual([
        {
          jobId: "read",
          program: "reading",
          before: "converged",
          after: "converged",
          message: "",
          isOtherwise: false,
          isSame: true,
          facts: [],
          intents: [],
          unanswered: [],
          notes: []
        }
      ])
      expect(hash).toBe(recording.hash)
    })
  )

  it.effect("tells which facts come out otherwise, in which cycle, and which tasks had no answer", () =>
    Effect.gen(function* () {
      const { recording } = yield* record
      const next = version((text) => words(text) - (text.endsWith("b") ? 1 : 0), ["new"])
      const { jobs } = yield* Testing.rehearse(next, [recording])
      expect(jobs[0]).toMatchObject({
        after: "converged",
        isSame: false,
        facts: [
          { what: "added", fact: { kind: "Page", id: "new" }, agent: "", cycle: 0, after: { url: "new" } },
          {
            what: "changed",
            fact: { kind: "Size", id: "b" },
            agent: "measure",
            cycle: 2,
            before: { url: "b", words: 4 },
            after: { url: "b", words: 3 }
          }
        ],
        unanswered: [{ agent: "fetch", each: { kind: "Page", id: "new" }, cycle: 1 }]
      })
      expect(asked).toEqual([])
    })
  )

  it.effect("tells of facts that are missing, and of an input that is refused, and goes on", () =>
    Effect.gen(function* () {
      const { recording } = yield* record
      const tasks = recording.tasks.filter(({ agent, each }) => agent !== "fetch" || each?.id !== "b")
      const { jobs } = yield* Testing.rehearse(first, [{ ...recording, tasks }])
      expect(jobs[0]?.facts.map(({ fact, what }) => [what, fact.kind, fact.id])).toEqual([
        ["missing", "Text", "b"],
        ["missing", "Size", "b"],
        ["missing", "Sent", "b"]
      ])
      const refused = yield* Testing.rehearse(first, [{ ...recording, input: 3 }, recording])
      expect(refused.jobs.map(({ after, isOtherwise }) => [after, isOtherwise])).toEqual([
        ["InvalidInput", true],
        ["converged", false]
      ])
      expect(refused.jobs[0]?.message).toContain("Expected array")
    })
  )

  it.effect("gives recorded decisions to the approvals that open, and says which have none", () =>
    Effect.gen(function* () {
      const asking = version(words, [], false)
      const recording = yield* Effect.gen(function* () {
        const job = yield* web(Testing.start(asking, ["a"], { id: "asked" }))
        yield* job.until("awaiting")
        yield* job.signal([Intent.Decision.of({ approval: "a", approved: true, by: "Ada", reason: "" })])
        yield* job.result
        return yield* Testing.recording("asked")
      }).pipe(Effect.provide(Testing.layer({ handlers: [mailer] })))
      expect(recording.signals).toMatchObject([{ facts: [{ kind: "Decision", value: { approval: "a" } }] }])
      const { jobs } = yield* Testing.rehearse(asking, [recording, { ...recording, signals: [] }])
      expect(jobs.map(({ after, unanswered }) => [after, unanswered.map(({ why }) => why)])).toEqual([
        ["converged", []],
        ["JobCancelled", ["nobody decided about the approval a"]]
      ])
      expect(jobs[0]?.isSame).toBe(true)
    })
  )

  it.effect("refuses the id of a job that is not stored", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(Testing.recording("none"))).toMatchObject({ _tag: "StoreError", reason: "missing" })
    }).pipe(Effect.provide(JobStore.layerMemoryJournal))
  )
})
