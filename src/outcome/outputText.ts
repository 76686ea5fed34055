/**
 * The encoded form of an output, for results that are shown as JSON. Boundary: a memory of texts, which lives as long as the
 * results.
 */
import { parseJson } from "../values/parseJson.ts"

const texts = new WeakMap<object, string>()

/** Remembers the canonical text of a result's output. */
export const rememberOutput = (result: object, text: string | undefined): void => {
  if (text !== undefined) texts.set(result, text)
}

/** An output as its program's schema encodes it; without a schema, as the program made it. */
export const jsonOutput = (output: unknown, text: string | undefined): unknown =>
  text === undefined ? output : parseJson(text)

/** The output of a result as its program's schema encodes it; without a schema, as the program made it. */
export const encodedOutput = (result: { readonly output: unknown }): unknown =>
  jsonOutput(result.output, texts.get(result))
