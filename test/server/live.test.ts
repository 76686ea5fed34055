/** Telemetry over HTTP: live progress and partial output, for viewers that come, go, come back, or are too late. */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import * as Shapes from "../../src/server/shapes.ts"
import { jsonOf, metricsOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { count, waiting } from "../support/server/programs.ts"
import { type Seen, view } from "../support/server/sse.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-live-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const Question = Fact.kind("Question", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })

/** A program whose agent says words when it is let: `say` lets it say some, and `end` ends it. */
const makeTalk = (name: string) => {
  let wanted = 0
  let said = 0
  const over = { is: false }
  let wake = Deferred.makeUnsafe<void>()
  const tell = (): void => {
    const woken = wake
    wake = Deferred.makeUnsafe<void>()
    Deferred.doneUnsafe(woken, Effect.void)
  }
  const program = Program.make(name, {
    input: Schema.Struct({}),
    seed: () => [Question.of({ id: "q" })],
    agents: [
      Agent.make("talk", {
        each: Question,
        execute: (_, view) =>
          Effect.gen(function* () {
            while (!over.is) {
              while (said < wanted) view.progress({ word: ++said })
              yield* Deferred.await(wake)
            }
            return {}
          })
      })
    ]
  })
  return {
    program,
    say: (more: number) => {
      wanted += more
      tell()
    },
    end: () => {
      over.is = true
      tell()
    }
  }
}

const begin = async (running: Running, program: string, id: string): Promise<void> => {
  const response = await running.post("/api/v1/jobs", { program, id }, { prefer: "respond-async" })
  expect(response.status).toBe(202)
}

const using = async (running: Running, use: (running: Running) => Promise<void>): Promise<void> => {
  try {
    await use(running)
  } finally {
    await running.stop()
  }
}

const wordsOf = (seen: ReadonlyArray<Seen>): ReadonlyArray<unknown> =>
  seen.flatMap(({ data }) => (data._tag === "TaskProgress" ? [(data["value"] as { word: number }).word] : []))
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => n + from)
const hasWord = (word: number) => (viewed: { readonly seen: ReadonlyArray<Seen> }) =>
  wordsOf(viewed.seen).includes(word)
const watchers = (running: Running, many: number) =>
  until(async () => (await metricsOf(running)).includes(`converge_http_streams ${many}`))

describe("a viewer of telemetry", () => {
  it("gets numbered items with their ids, in the documented shape, up to the end", async () => {
    const talk = makeTalk("talk")
    await using(await serve({ programs: [talk.program] }), async (running) => {
      await begin(running, "talk", "it")
      const viewing = view(running, "/api/v1/jobs/it/telemetry")
      await watchers(running, 1)
      talk.say(3)
      talk.say(2)
      talk.end()
      const { seen, status } = await viewing
      expect(status).toBe(200)
      expect(wordsOf(seen)).toEqual([1, 2, 3, 4, 5])
      expect(seen.slice(0, -1).map(({ data }) => data.sequence)).toEqual(upTo(seen.length - 1))
      const [name] = seen[0]!.id!.split("-")
      expect(seen.map(({ id }) => id)).toEqual(upTo(seen.length).map((n) => `${name}-${n}`))
      expect(seen.map(({ data, event }) => data._tag === event)).not.toContain(false)
      expect(seen.slice(-2).map(({ data }) => data)).toEqual([
        expect.objectContaining({ _tag: "TaskEnded", agent: "talk", each: { kind: "Question", id: "q" }, attempt: 1 }),
        { _tag: "Ended", status: "converged" }
      ])
      for (const { data } of seen) expect(Schema.is(Shapes.Telemetry)(data), JSON.stringify(data)).toBe(true)
    })
  })

  it("that comes back goes on after its last id, with the items of the meantime", async () => {
    const talk = makeTalk("talk")
    await using(await serve({ programs: [talk.program] }), async (running) => {
      await begin(running, "talk", "it")
      const viewing = view(running, "/api/v1/jobs/it/telemetry", {}, hasWord(2))
      await watchers(running, 1)
      talk.say(2)
      const { seen: first } = await viewing
      await watchers(running, 0)
      talk.say(40)
      const last = first.at(-1)!.id!
      const again = await view(running, "/api/v1/jobs/it/telemetry", { "last-event-id": last }, hasWord(42))
      expect(wordsOf([...first, ...again.seen])).toEqual(upTo(42))
      expect(again.seen.some(({ event }) => event === "Missed")).toBe(false)
      const asked = view(running, `/api/v1/jobs/it/telemetry?after=${last}`)
      await watchers(running, 1)
      talk.end()
      const { seen } = await asked
      expect(wordsOf(seen)).toEqual(upTo(42, 3))
      // The job has ended: what is kept of it is still told, once.
      const whole = await view(running, "/api/v1/jobs/it/telemetry")
      expect(wordsOf(whole.seen)).toEqual(upTo(42))
      expect(whole.seen.at(-1)).toMatchObject({ event: "Ended", data: { status: "converged" } })
      const all = await view(running, "/api/v1/jobs/it/telemetry", { "last-event-id": seen.at(-1)!.id! })
      expect(all).toEqual({ status: 204, seen: [], comments: [] })
      for (const none of ["abc", "17", "-1", "1-x"]) {
        for (const asking of [{ headers: { "last-event-id": none } }, {}]) {
          const query = "headers" in asking ? "" : `?after=${none}`
          const refused = await running.fetch(`/api/v1/jobs/it/telemetry${query}`, asking)
          expect([none, refused.status]).toEqual([none, 400])
          expect((await jsonOf(refused))["detail"]).toContain(`"${none}" is not the id of an item of telemetry`)
        }
      }
    })
  })

  it("that comes late is told which items are no longer kept", async () => {
    const talk = makeTalk("talk")
    await using(await serve({ programs: [talk.program] }), async (running) => {
      await begin(running, "talk", "it")
      const viewing = view(running, "/api/v1/jobs/it/telemetry", {}, hasWord(5_000))
      await watchers(running, 1)
      for (let n = 0; n < 50; n++) {
        talk.say(100)
        await running.fetch("/health")
      }
      // This viewer reads at once, and loses nothing.
      expect(wordsOf((await viewing).seen)).toEqual(upTo(5_000))
      const late = await view(running, "/api/v1/jobs/it/telemetry", {}, hasWord(5_000))
      const [missed, ...rest] = late.seen
      expect(missed).toMatchObject({ event: "Missed", data: { from: 1, to: rest[0]!.data.sequence! - 1 } })
      expect(rest).toHaveLength(1_024)
      expect(missed!.id).toBe(`${rest[0]!.id!.split("-")[0]}-${missed!.data["to"] as number}`)
    })
  })

  it("with an id of another time is told that items are missing, and starts anew", async () => {
    const talk = makeTalk("talk")
    await using(await serve({ programs: [talk.program] }), async (running) => {
      await begin(running, "talk", "it")
      const viewing = view(running, "/api/v1/jobs/it/telemetry", {}, hasWord(1))
      await watchers(running, 1)
      talk.say(1)
      await viewing
      for (const id of ["1-17", "1700000000000-3"]) {
        const { seen } = await view(running, "/api/v1/jobs/it/telemetry", { "last-event-id": id }, hasWord(1))
        expect(seen[0], id).toMatchObject({ event: "Missed", data: { _tag: "Missed", from: null, to: null } })
        expect(seen[0]!.id).toMatch(/^\d+-0$/)
        expect(wordsOf(seen), id).toEqual([1])
      }
    })
  })

  it("sees the attempts of a task, and a value that is too long as its type", async () => {
    let tries = 0
    const come = Deferred.makeUnsafe<void>()
    const flaky = Program.make("flaky", {
      input: Schema.Struct({}),
      agents: [
        Agent.make("flaky", {
          retry: Schedule.recurs(3),
          execute: (view) =>
            Effect.andThen(
              Deferred.await(come),
              Effect.suspend(() => {
                view.progress(tries === 0 ? "x".repeat(1_000_000) : 10n)
                return ++tries < 3 ? Effect.fail("down") : Effect.succeed({})
              })
            )
        })
      ]
    })
    await using(await serve({ programs: [flaky] }), async (running) => {
      await begin(running, "flaky", "it")
      const viewing = view(running, "/api/v1/jobs/it/telemetry")
      await watchers(running, 1)
      Deferred.doneUnsafe(come, Effect.void)
      const told = (await viewing).seen.filter(({ event }) => event === "TaskProgress")
      expect(told.map(({ data }) => [data["attempt"], data["value"]])).toEqual([
        [1, "string"],
        [2, "10"],
        [3, "10"]
      ])
    })
  })

  it("gets signs of life while nothing happens, and a Goodbye when the server shuts down", async () => {
    const talk = makeTalk("talk")
    const running = await serve({ programs: [talk.program], heartbeatMs: 10, drainMs: 0 })
    await begin(running, "talk", "it")
    // A viewer who comes sooner is told that the task begins.
    await until(async () => {
      const now = await jsonOf(await running.fetch("/api/v1/jobs/it/tasks"))
      return (now["running"] as ReadonlyArray<object>).length === 1
    })
    let beats = 0
    const viewing = view(running, "/api/v1/jobs/it/telemetry", {}, ({ comments }) => {
      beats = comments.filter((text) => text === ": still here").length
      return false
    })
    await until(() => beats >= 2)
    await running.stop()
    expect((await viewing).seen).toMatchObject([{ event: "Goodbye", id: undefined, data: { reason: "shutting-down" } }])
  })

  it("takes one of the streams that a server has at most", async () => {
    const talk = makeTalk("talk")
    await using(await serve({ programs: [talk.program], maxStreams: 1 }), async (running) => {
      await begin(running, "talk", "it")
      const viewing = view(running, "/api/v1/jobs/it/telemetry")
      await watchers(running, 1)
      const refused = await running.fetch("/api/v1/jobs/it/telemetry")
      expect([refused.status, (await jsonOf(refused))["reason"]]).toEqual([503, "streams"])
      talk.end()
      expect((await viewing).seen.at(-1)?.event).toBe("Ended")
    })
  })
})

describe("a job without live telemetry", () => {
  it("that has ended unwatched is a JobHalted with its status; an unknown one is an UnknownJob", async () => {
    await using(await serve({ programs: [count] }), async (running) => {
      await running.post("/api/v1/jobs", { program: "count", input: { to: 2 }, id: "over" })
      const halted = await running.fetch("/api/v1/jobs/over/telemetry")
      expect(halted.status).toBe(409)
      expect(await jsonOf(halted)).toMatchObject({ type: "urn:effect-converge:JobHalted", jobStatus: "converged" })
      const unknown = await running.fetch("/api/v1/jobs/none/telemetry")
      expect([unknown.status, (await jsonOf(unknown))["type"]]).toEqual([404, "urn:effect-converge:UnknownJob"])
    })
  })

  it("that is only in the store says why: ended, held by another engine, or of a program that is not served", async () => {
    const store = () => JobStore.layerSqlite({ filename: join(folder, "held.db") })
    const other = await serve({ programs: [count, waiting] }, { store: store() })
    try {
      await other.post("/api/v1/jobs", { program: "count", input: { to: 2 }, id: "over" })
      await begin(other, "waiting", "held")
      await until(async () => (await stateOf(other, "held")) === "running")
      await using(await serve({ programs: [count, waiting] }, { store: store() }), async (running) => {
        const typeOf = async (id: string) => {
          const response = await running.fetch(`/api/v1/jobs/${id}/telemetry`)
          return [response.status, (await jsonOf(response))["type"]]
        }
        expect(await typeOf("over")).toEqual([409, "urn:effect-converge:JobHalted"])
        expect(await typeOf("held")).toEqual([409, "urn:effect-converge:JobHeld"])
      })
      await using(await serve({ programs: [count] }, { store: store() }), async (running) => {
        const response = await running.fetch("/api/v1/jobs/held/telemetry")
        expect([response.status, (await jsonOf(response))["type"]]).toEqual([404, "urn:effect-converge:UnknownProgram"])
      })
    } finally {
      await other.stop()
    }
  })
})
