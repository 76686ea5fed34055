/** A server that says nothing: streams of events that go silent, and requests that are not answered, on a clock of the test. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { connectTo } from "../../src/client/connect.ts"
import { eventsOf, reconnectingMs } from "../../src/client/follow.ts"
import { Limits } from "../../src/Limits.ts"
import { turns } from "../support/until.ts"

type Answer = Effect.Effect<Response, HttpClientError>

const paused = (seq: number): string =>
  `id: ${seq}\nevent: JobPaused\ndata: {"seq":${seq},"_tag":"JobPaused","cycle":0}\n\n`

/** Text, and then nothing, on a connection that stays. */
const silentAfter = (text: string): Answer =>
  Effect.sync(() => {
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(text)) })
    return new Response(body, { headers: { "content-type": "text/event-stream" } })
  })

/** The connection that comes next, one after the other; the last one again and again. `told`: what the caller is told. */
const opened = (answers: ReadonlyArray<Answer>) =>
  Effect.gen(function* () {
    const told: Array<string> = []
    const seen: Array<string> = []
    const asked: Array<string | undefined> = []
    const http = HttpClient.make((request) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? Effect.never
      asked.push(request.headers["last-event-id"])
      return Effect.map(answer, (response) => HttpClientResponse.fromWeb(request, response))
    })
    const connected = connectTo({ baseUrl: "http://it", slow: Effect.sync(() => void told.push("slow")) })
    const client = yield* Effect.provideService(connected, HttpClient.HttpClient, http)
    const tell = (text: string) => Effect.sync(() => void told.push(text))
    const events = eventsOf(client.jobs, "it", 0, { away: tell("away"), back: tell("back") })
    const followed = yield* Effect.forkChild(
      Stream.runForEach(events, ({ _tag }) => Effect.sync(() => void seen.push(_tag)))
    )
    return { client, told, seen, asked, followed }
  })

/** Lets time go by in steps: a stream of the web comes in turns of the event loop. */
const pass = (ms: number) =>
  Effect.gen(function* () {
    for (let left = ms; left > 0; left -= 500) {
      yield* Effect.promise(() => turns(3))
      yield* TestClock.adjust(Math.min(left, 500))
    }
    yield* Effect.promise(() => turns(3))
  })

describe("a log that goes silent", () => {
  it.effect("is asked for again after the last event, and fails when nobody answers for about 40 s", () =>
    Effect.gen(function* () {
      const { asked, followed, seen, told } = yield* opened([silentAfter(paused(1)), Effect.never])
      yield* pass(Limits.clientSilenceMs - 1_000)
      expect([seen, asked]).toEqual([["JobPaused"], [undefined]])
      yield* pass(2_000)
      expect([asked, told]).toEqual([[undefined, "1"], ["back"]])
      yield* pass(Limits.clientAnswerMs)
      expect(told).toEqual(["back", "away"])
      yield* pass(reconnectingMs + Limits.clientAnswerMs)
      const error = yield* Effect.flip(Fiber.join(followed))
      expect(error).toMatchObject({ _tag: "HttpClientError", message: expect.stringContaining("it does not answer") })
      expect(asked).toHaveLength(6)
      expect(new Set(told)).toEqual(new Set(["back", "away"]))
    })
  )

  it.effect("goes on in silence where the server answers again, as one with longer heartbeats does", () =>
    Effect.gen(function* () {
      const quiet = Array.from({ length: 15 }, () => silentAfter(": the events follow\n\n"))
      const { asked, seen, told } = yield* opened([silentAfter(paused(1)), ...quiet, silentAfter(paused(2))])
      yield* pass(16 * (Limits.clientSilenceMs + 1_000))
      expect(asked.length).toBeGreaterThan(16)
      expect(seen).toEqual(["JobPaused", "JobPaused"])
      expect(new Set(told)).toEqual(new Set(["back"]))
    })
  )
})

describe("a request that is not answered", () => {
  it.effect("is waited for, and told of after some seconds", () =>
    Effect.gen(function* () {
      const { asked, client, told } = yield* opened([Effect.never])
      const listed = yield* Effect.forkChild(client.jobs.list({ query: {} }))
      yield* pass(Limits.clientNoteMs - 1_000)
      expect([asked.length, told]).toEqual([2, []])
      yield* pass(1_000)
      expect(told).toEqual(["slow", "slow"])
      yield* pass(100_000)
      expect([listed.pollUnsafe(), told]).toEqual([undefined, ["slow", "slow"]])
    })
  )
})
