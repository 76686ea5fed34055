/**
 * The flag `--attribute name=value`, as the commands that run and list jobs take it.
 *
 * Boundary: texts in, attributes or an error of the command out; program/attributes.ts has the rule.
 */
import * as Effect from "effect/Effect"
import * as Flag from "effect/cli/Flag"
import { type Attributes, clashIn, parseAttributes } from "../program/attributes.ts"
import { UsageError } from "./exitCode.ts"
import { oneLine, printable } from "./text.ts"

/** The flag. `description`: the effect of the attribute on the command. */
export const attributeFlag = (description: string) =>
  Flag.String("attribute").pipe(
    Flag.atLeast(0),
    Flag.withMetavar("k=v"),
    Flag.withDescription(`${description}; may be repeated`)
  )

/** The attributes that the flags give. Undefined if there are none. */
export const attributesOf = (texts: ReadonlyArray<string>): Effect.Effect<Attributes | undefined, UsageError> => {
  const refuse = (message: string) => Effect.fail(new UsageError({ message: printable(`--attribute: ${message}`) }))
  const parsed = parseAttributes(texts, "=")
  if ("why" in parsed) return refuse(parsed.why)
  const clash = clashIn(parsed.entries)
  if (clash !== undefined) return refuse(`${JSON.stringify(clash)} is given two values, and a job has one`)
  return Effect.succeed(parsed.entries.length === 0 ? undefined : Object.fromEntries(parsed.entries))
}

/** The attributes of a job on one line. Undefined if there are none. */
export const attributesLine = ({ attributes }: { readonly attributes?: Attributes | undefined }): string | undefined =>
  attributes === undefined
    ? undefined
    : Object.entries(attributes)
        .map(([name, value]) => oneLine(`${name}=${value}`))
        .join("  ")
