/**
 * The fault of the environment, or of a layer's options, in a sentence. No value of the environment is shown, since it may be a
 * secret.
 *
 * Boundary: the defect of a layer in, an error of the command out.
 */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { InvalidOptions } from "../outcome/JobError.ts"
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

/** The error about a layer that died of the environment or of its options. Undefined for any other defect. */
export const ofDefect = (defect: unknown): UsageError | undefined => {
  if (defect instanceof Config.ConfigError) return ofConfig(defect)
  if (!(defect instanceof InvalidOptions)) return undefined
  const { message, of, option } = defect
  if (!option.startsWith("CONVERGE_")) return new UsageError({ message: printable(message) })
  const said = message.replace(`${of}: `, "").replace(/, not .*$/s, "")
  return new UsageError({ message: `the environment cannot be used: ${printable(said)}` })
}
