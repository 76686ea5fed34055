/**
 * `Testing.model`: a language model for tests, whose answers are scripted, or were recorded.
 *
 * Boundary: the public names; scriptedModel.ts makes the models, and loads effect/ai when a layer is built.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LanguageModel from "effect/ai/LanguageModel"
import { loadOnce } from "../platform/loadOnce.ts"
import type { ModelAnswer, ModelScript } from "./modelScript.ts"

export type { ModelAnswer, ModelCall, ModelScript } from "./modelScript.ts"

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
