/**
 * Scripts of language models: the answers that a model gives, in order or by prompt.
 *
 * Boundary: types.
 */
import type * as AiError from "effect/ai/AiError"

/** A call, as a script sees it. */
export interface ModelCall {
  /** The texts of the prompt, with line breaks between its messages. */
  readonly prompt: string
  /** `"object"` for `generateObject`, `"text"` for the others. */
  readonly format: "text" | "object"
  /** The `objectName` of `generateObject`; "" for the others. */
  readonly objectName: string
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
 * The answers of a model: a function, or a list. Of a list, a call takes the first that is left and that is for its prompt. A
 * text stands for an answer of this text.
 */
export type ModelScript = ReadonlyArray<ModelAnswer | string> | ((call: ModelCall) => ModelAnswer | string | undefined)
