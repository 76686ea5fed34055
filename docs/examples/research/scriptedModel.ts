/** A language model that goes by a script, for tests and for readers without a key. Its answers cost what they are long. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as LanguageModel from "effect/ai/LanguageModel"

/** The model's answers, by the name of the object that is asked for, and the prompt. */
export type Script = (objectName: string, prompt: string) => object

const wordsIn = (text: string): number => text.split(/\s+/).filter((word) => word !== "").length

/** Every first answer lacks its sources, and the critic minds. Nobody can answer the question of why. */
export const script: Script = (objectName, prompt) => {
  const [, question = "", ...rest] = prompt.split("\n\n")
  switch (objectName) {
    case "plan":
      return { questions: ["How deep is it?", "Who measured it?", "Why?"] }
    case "answer":
      return {
        text: `It is known (${question})`,
        sources: rest.join(" ").includes("sources") && question !== "Why?" ? [`the book of ${question}`] : []
      }
    case "review":
      return prompt.endsWith("Sources: none")
        ? { isAccepted: false, remark: "Name your sources." }
        : { isAccepted: true, remark: "" }
    default:
      return { text: `A report. ${prompt.includes("Wish: none") ? "It is long." : "It is short."}` }
  }
}

/** A model for a script. `before` runs before each answer. */
export const scriptedModel = (
  answers: Script,
  before: (objectName: string) => Effect.Effect<void> = () => Effect.void
) =>
  Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({
      generateText: ({ prompt, responseFormat }) =>
        Effect.gen(function* () {
          const objectName = responseFormat.type === "json" ? responseFormat.objectName : ""
          yield* before(objectName)
          const asked = prompt.content
            .flatMap((message) => (message.role === "user" ? message.content : []))
            .flatMap((part) => (part.type === "text" ? [part.text] : []))
            .join("\n")
          const text = JSON.stringify(answers(objectName, asked))
          return [
            { type: "text" as const, text },
            {
              type: "finish" as const,
              reason: "stop" as const,
              usage: { inputTokens: { total: wordsIn(asked) }, outputTokens: { total: wordsIn(text) } }
            }
          ]
        }),
      streamText: () => Stream.empty
    })
  )
