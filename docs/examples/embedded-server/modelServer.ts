/**
 * A scripted language model on a local port, for tests and for those who have no key: it goes by the words of a ticket, is too
 * busy for every first question, and answers the ones about "gibberish" with something else than was asked for.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { LanguageModel } from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"
import { model } from "./model.ts"

const Question = Schema.Struct({ messages: Schema.Array(Schema.Json), schema: Schema.Json })

const wordsIn = (text: string): number => text.split(/\s+/).length

const sorted = (text: string) => ({
  topic: /invoice|charged/.test(text) ? "billing" : /parcel|arrived/.test(text) ? "delivery" : "other",
  isUrgent: /twice|never/.test(text),
  summary: text.includes("charged") ? "charged twice" : "asks where it is"
})

/** Its one route. */
const routes = Layer.unwrap(
  Effect.sync(() => {
    const asked = new Map<string, number>()
    return HttpRouter.add(
      "POST",
      "/v1/answers",
      Effect.gen(function* () {
        const { messages } = yield* HttpServerRequest.schemaBodyJson(Question)
        const prompt = JSON.stringify(messages)
        const times = (asked.get(prompt) ?? 0) + 1
        asked.set(prompt, times)
        if (times === 1) return HttpServerResponse.text("too busy", { status: 429 })
        const isOff = prompt.includes("gibberish") && times === 2
        const text = isOff ? '{"topic":"weather"}' : JSON.stringify(sorted(prompt))
        return HttpServerResponse.jsonUnsafe({ text, usage: { input: wordsIn(prompt), output: wordsIn(text) } })
      }).pipe(Effect.orDie)
    )
  })
)

/** The model that the server plays. */
export const scriptedModel: Layer.Layer<LanguageModel, ServeError> = Layer.unwrap(
  Effect.map(HttpServer.HttpServer, ({ address }) => model(HttpServer.formatAddress(address)))
).pipe(
  Layer.provide(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })),
  Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
  Layer.provide(NodeHttpClient.layerUndici)
)
