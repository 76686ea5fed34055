/**
 * What is wrong with the environment, in a sentence. It shows no values, since they may be secrets.
 *
 * Boundary: an error of Effect's configuration in, an error of the command out.
 */
import type * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { UsageError } from "./exitCode.ts"
import { printable } from "./text.ts"

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

/** "Expected" as the middle of a sentence, with choices as a list of words. */
const worded = (message: string): string => message.replace(/^Expected /, "expected ").replaceAll(" | ", " or ")

/** The message about a wrong environment. */
export const ofConfig = ({ cause }: Config.ConfigError): UsageError => {
  const lines = Schema.isSchemaError(cause)
    ? formatIssues(cause.issue).issues.map(
        ({ message, path = [] }) => `${path.map(String).join("_")}: ${worded(message)}`
      )
    : [cause.message]
  return new UsageError({ message: `the environment cannot be used: ${printable(lines.join("; "))}` })
}
