/**
 * The input of a job: read from the command line, a file or standard input, and decoded by the program's schema.
 *
 * A property that the schema does not know is refused: on a command line it is a typing error. Boundary: text to value; a
 * `UsageError` names each error and its place.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import { type Program } from "../program/Program.ts"
import { UsageError } from "./exitCode.ts"
import { readText } from "./files.ts"
import { indent, printable } from "./text.ts"
import { isTooDeep, tooDeep } from "../values/size.ts"
import { parseJson } from "../values/parseJson.ts"
import { compiledOf } from "../program/erased.ts"

/** The source of an input: the text of `--input`, or the file of `--input-file`. */
export interface InputSource {
  readonly text: string | undefined
  readonly file: string | undefined
}

/** The program's input, decoded. Without a source it is `{}`. */
export const read = (program: Program.Any, source: InputSource): Effect.Effect<unknown, UsageError, Stdio.Stdio> =>
  Effect.gen(function* () {
    const { json, name } = yield* readJson(source)
    const codec = Schema.toCodecJson(compiledOf(program).input)
    const decoded = Schema.decodeUnknownEffect(codec)(json, { errors: "all", onExcessProperty: "error" })
    return yield* Effect.mapError(
      decoded,
      (error) =>
        new UsageError({
          message: `${name} does not fit the input of ${JSON.stringify(program.name)}`,
          details: indent(printable(error.message), "  ")
        })
    )
  })

/** The input as JSON, and the name of its source. A server decodes it by the schema of its program. */
export const readJson = (
  source: InputSource
): Effect.Effect<{ readonly name: string; readonly json: Schema.Json }, UsageError, Stdio.Stdio> =>
  Effect.gen(function* () {
    const { name, text } = yield* textOf(source)
    const json = yield* Effect.try({
      // The parser gave the value, so it is JSON.
      try: () => parseJson(text) as Schema.Json,
      catch: (error) => {
        const why = error instanceof Error ? error.message : String(error)
        return new UsageError({ message: `${name} is not JSON: ${printable(why)}` })
      }
    })
    // A schema recurses over its value, and would overflow the stack.
    if (isTooDeep(json)) return yield* new UsageError({ message: `${name}: ${tooDeep}` })
    return { name, json }
  })

const textOf = (
  source: InputSource
): Effect.Effect<{ readonly name: string; readonly text: string }, UsageError, Stdio.Stdio> => {
  const { file, text } = source
  if (text !== undefined && file !== undefined) {
    return Effect.fail(new UsageError({ message: "--input and --input-file exclude each other" }))
  }
  if (text !== undefined) return Effect.succeed({ name: "--input", text })
  if (file === undefined) return Effect.succeed({ name: "no input was given, and {}", text: "{}" })
  if (file === "-") return Effect.map(standardInput, (all) => ({ name: "standard input", text: all }))
  return readText(file).pipe(
    Effect.map((all) => ({ name: file, text: all })),
    Effect.mapError((why) => new UsageError({ message: `cannot read ${printable(file)}: ${why}` }))
  )
}

const standardInput: Effect.Effect<string, UsageError, Stdio.Stdio> = Stdio.Stdio.use(({ stdin }) =>
  stdin.pipe(
    Stream.decodeText,
    Stream.mkString,
    Effect.mapError(() => new UsageError({ message: "cannot read standard input: it is closed, or no text" }))
  )
)
