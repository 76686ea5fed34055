/** Web sites without a network: a client that answers from functions of the path, and notes what it was asked for. */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { type Answer, nothing } from "./site.ts"

/** A site. `answer` is given the path, and how often it was asked for, this time included. */
export interface StandIn {
  readonly origin: string
  readonly answer: (path: string, times: number) => Answer
  /** Paths in the order in which they were asked for, robots.txt left out. */
  readonly asked: Array<string>
}

export const standIn = (name: string, answer: StandIn["answer"]): StandIn => ({
  origin: `http://${name}.example`,
  answer,
  asked: []
})

/** A site as a table of its paths. */
export const table = (name: string, answers: Readonly<Record<string, Answer>>): StandIn =>
  standIn(name, (path) => answers[path] ?? nothing)

/** A client for some sites. Each build of the layer counts from the beginning. */
export const clientOf = (...sites: ReadonlyArray<StandIn>): Layer.Layer<HttpClient.HttpClient> =>
  Layer.sync(HttpClient.HttpClient, () => {
    const times = new Map<string, number>()
    return HttpClient.make((request, url) =>
      Effect.sync(() => {
        const site = sites.find(({ origin }) => origin === url.origin)
        const path = `${url.pathname}${url.search}`
        const count = (times.get(url.href) ?? 0) + 1
        times.set(url.href, count)
        if (path !== "/robots.txt") site?.asked.push(path)
        const { body = "", headers = {}, status = 200 } = site?.answer(path, count) ?? { status: 503 }
        return HttpClientResponse.fromWeb(request, new Response(body, { status, headers }))
      })
    )
  })
