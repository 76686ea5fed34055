/**
 * A language model behind HTTP, as a layer: what a package such as `@effect/ai-openai` brings along, for the protocol of
 * modelServer.ts. With such a package this file is one line.
 */
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Tool from "effect/ai/Tool"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import { type HttpClientError, isHttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { SchemaError } from "effect/Schema"
import * as Stream from "effect/Stream"

/** The answer of the model's server. */
const Answer = Schema.Struct({
  text: Schema.String,
  usage: Schema.Struct({ input: Schema.Int, output: Schema.Int })
})

/** The reason of a failure, which tells the asker whether to ask again. */
const reasonOf = (error: HttpClientError | SchemaError): AiError.AiErrorReason => {
  if (!isHttpClientError(error)) return AiError.InvalidResponseError.fromSchemaError(error)
  const { response } = error
  return response === undefined
    ? new AiError.InternalProviderError({ description: "the model's server could not be reached" })
    : AiError.reasonFromHttpStatus({ status: response.status })
}

const failed = (error: HttpClientError | SchemaError): AiError.AiError =>
  AiError.make({ module: "ExampleModel", method: "generateText", reason: reasonOf(error) })

/** The model at a URL. */
export const model = (url: string): Layer.Layer<LanguageModel.LanguageModel, never, HttpClient.HttpClient> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      return yield* LanguageModel.make({
        generateText: ({ prompt, responseFormat }) =>
          HttpClientRequest.post(`${url}/v1/answers`).pipe(
            HttpClientRequest.bodyJsonUnsafe({
              messages: prompt.content.map(({ content, role }) => ({ role, content })),
              schema: responseFormat.type === "json" ? Tool.getJsonSchemaFromSchema(responseFormat.schema) : null
            }),
            client.execute,
            Effect.flatMap(HttpClientResponse.filterStatusOk),
            Effect.flatMap(HttpClientResponse.schemaBodyJson(Answer)),
            Effect.mapError(failed),
            Effect.map(({ text, usage }) => [
              { type: "text" as const, text },
              {
                type: "finish" as const,
                reason: "stop" as const,
                usage: { inputTokens: { total: usage.input }, outputTokens: { total: usage.output } }
              }
            ])
          ),
        streamText: () => Stream.empty
      })
    })
  )
