/**
 * A language model of effect/ai that answers from a script, and one that writes the script down.
 *
 * Boundary: the only file of this room that imports effect/ai. It loads when a layer of it is built.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import type { ModelAnswer, ModelCall, ModelScript } from "./modelScript.ts"

type Usage = NonNullable<ModelAnswer["usage"]>

/** The model that `Testing.model` describes. */
export const scripted = (script: ModelScript): Layer.Layer<LanguageModel.LanguageModel> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.suspend(() => {
      const find = finderOf(script)
      return LanguageModel.make({
        generateText: (options) =>
          Effect.map(answerTo(find, options), ({ text, usage }) => [textPart(text), finish(usage)]),
        streamText: (options) =>
          Stream.unwrap(
            Effect.map(answerTo(find, options), ({ text, usage }) =>
              Stream.fromIterable<Response.StreamPartEncoded>([
                { type: "text-start", id: "1" },
                ...pieces(text).map((delta) => ({ type: "text-delta" as const, id: "1", delta })),
                { type: "text-end", id: "1" },
                finish(usage)
              ])
            )
          )
      })
    })
  )

const textPart = (text: string): Response.PartEncoded => ({ type: "text", text })

const finish = ({ input, output }: Usage): Response.FinishPartEncoded => ({
  type: "finish",
  reason: "stop",
  usage: {
    inputTokens: { uncached: input, total: input, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: output, reasoning: undefined }
  },
  response: undefined
})

/** A stream comes word by word. */
const pieces = (text: string): ReadonlyArray<string> => text.match(/\S+\s*|\s+/g) ?? []

interface Answer {
  readonly text: string
  readonly usage: Usage
}

type Find = (call: ModelCall) => ModelAnswer | string | undefined

const finderOf = (script: ModelScript): Find => {
  if (typeof script === "function") return script
  const left = [...script]
  return ({ prompt }) => {
    const isFor = (answer: ModelAnswer | string) =>
      typeof answer === "string" || answer.prompt === undefined || answer.prompt === prompt
    const place = left.findIndex(isFor)
    return place === -1 ? undefined : left.splice(place, 1)[0]
  }
}

const answerTo = (find: Find, options: LanguageModel.ProviderOptions): Effect.Effect<Answer, AiError.AiError> =>
  Effect.suspend(() => {
    const prompt = textOf(options.prompt)
    const { responseFormat } = options
    const found =
      responseFormat.type === "json"
        ? find({ prompt, format: "object", objectName: responseFormat.objectName })
        : find({ prompt, format: "text", objectName: "" })
    if (found === undefined) {
      return Effect.die(new Error(`Testing.model: the script has no answer to ${JSON.stringify(prompt.slice(0, 200))}`))
    }
    const answer = typeof found === "string" ? { text: found } : found
    if (answer.error !== undefined) {
      return Effect.fail(AiError.make({ module: "Testing", method: "model", reason: answer.error }))
    }
    const text = answer.text ?? JSON.stringify(answer.object ?? null)
    const { usage = { input: words(prompt), output: words(text) } } = answer
    return Effect.succeed({ text, usage })
  })

/** Without a usage in the script, a word is a token. */
const words = (text: string): number => text.split(/\s+/).filter((word) => word !== "").length

/** The texts of a prompt, one after the other. */
const textOf = (prompt: Prompt.Prompt): string =>
  prompt.content
    .flatMap(({ content }) =>
      typeof content === "string" ? [content] : content.flatMap((part) => (part.type === "text" ? [part.text] : []))
    )
    .join("\n")

/* The calls of a model are generic in their options. A recorder passes them on as they come and gives the result as it is, so the
 * casts lose nothing. */

type Call = { readonly prompt: Prompt.RawInput }

interface Calls {
  readonly generateText: (call: Call) => Effect.Effect<LanguageModel.GenerateTextResponse<{}>, AiError.AiError>
  readonly generateObject: (
    call: Call
  ) => Effect.Effect<LanguageModel.GenerateObjectResponse<{}, unknown>, AiError.AiError>
  readonly streamText: (call: Call) => Stream.Stream<Response.StreamPart<{}>, AiError.AiError>
}

/** The model below, whose answers are written down. */
export const recorder = (
  script: Array<ModelAnswer>
): Layer.Layer<LanguageModel.LanguageModel, never, LanguageModel.LanguageModel> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.map(LanguageModel.LanguageModel, (model) => {
      const calls = model as unknown as Calls
      const noted = <A extends LanguageModel.GenerateTextResponse<{}>>(
        call: Call,
        answer: Effect.Effect<A, AiError.AiError>
      ) =>
        Effect.tap(answer, ({ text, usage }) =>
          Effect.sync(() => script.push({ ...promptOf(call), text, ...usageOf(usage) }))
        )
      const own: Calls = {
        generateText: (call) => noted(call, calls.generateText(call)),
        generateObject: (call) => noted(call, calls.generateObject(call)),
        streamText: (call) => {
          let text = ""
          return Stream.tap(calls.streamText(call), (part) =>
            Effect.sync(() => {
              if (part.type === "text-delta") text += part.delta
              if (part.type === "finish") script.push({ ...promptOf(call), text, ...usageOf(part.usage) })
            })
          )
        }
      }
      return { ...model, ...(own as unknown as Pick<LanguageModel.LanguageModel, keyof Calls>) }
    })
  )

const promptOf = ({ prompt }: Call) => ({ prompt: textOf(Prompt.make(prompt)) })

const usageOf = ({ inputTokens, outputTokens }: Response.Usage) => ({
  usage: { input: inputTokens.total ?? 0, output: outputTokens.total ?? 0 }
})
