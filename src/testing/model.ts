/**
 * `Testing.model`: a language model for tests, whose answers are scripted, or were recorded.
 *
 * Boundary: the public names; scriptedModel.ts makes the models, and loads effect/ai when a layer is built.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import { loadOnce } from "../platform/loadOnce.ts"

/** A call, as a script sees it. */
export interface ModelCall {
  /** The texts of the prompt, with line breaks between its messages. */
  readonly prompt: string
  /** `"object"` for `generateObject`, `"text"` for the others. */
  readonly format: "text" | "object"
}

/** An answer of a scripted model. It is plain data, but for `error`, and can be kept as JSON. */
export interface ModelAnswer {
  /** The prompt that it answers, in full. Default: any. */
  readonly prompt?: string | undefined
  readonly text?: string | undefined
  /** The answer to `generateObject`. Default: what `text` is as JSON. */
  readonly object?: unknown
  /** The failure with which it answers. Default: none. */
  readonly error?: AiError.AiErrorReason | undefined
  /** The tokens that it reports. Default: one for each word. */
  readonly usage?: { readonly input: number; readonly output: number } | undefined
}

/**
 * The answers of a model: a function, or a list. Of a list, a call takes the first that is left and that is for its prompt. A text
 * stands for an answer of this text.
 */
export type ModelScript = ReadonlyArray<ModelAnswer | string> | ((call: ModelCall) => ModelAnswer | string | undefined)

const load = loadOnce(() => import("./scriptedModel.ts"))

/**
 * A `LanguageModel` that answers from a script: `generateText`, `streamText`, which comes word by word, and `generateObject`. It
 * reports a usage, so a `MeteredModel` above it pays. Each build of the layer begins the list anew.
 *
 * A call for which the script has no answer dies with an error that shows the prompt. Tasks that run side by side take answers
 * without a `prompt` in the order of their calls: name the prompts, or give a function.
 */
export const model = (script: ModelScript): Layer.Layer<LanguageModel.LanguageModel> =>
  Layer.unwrap(Effect.map(load, ({ scripted }) => scripted(script)))

/**
 * Writes down what the model below answers: each answer is added to `script`, with its prompt and its usage. Keep it as JSON, and
 * give it to `Testing.model` later. Calls that fail are not written down, and a stream is when it ends.
 */
export const modelRecorder = (
  script: Array<ModelAnswer>
): Layer.Layer<LanguageModel.LanguageModel, never, LanguageModel.LanguageModel> =>
  Layer.unwrap(Effect.map(load, ({ recorder }) => recorder(script)))
