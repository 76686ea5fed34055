/**
 * The log of the command: lines for people, or one record of JSON a line, on standard error.
 *
 * Boundary: formats; the code that notices something logs it.
 */
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import process from "node:process"

export const logFormats = ["text", "json"] as const

export type LogFormat = (typeof logFormats)[number]

/** The variable of the environment. A flag wins over it. */
export const logFormatVariable = "CONVERGE_LOG_FORMAT"

/** Fields that each record has; an annotation of the same name stands in `annotations`. */
const ownFields = new Set(["timestamp", "level", "message", "cause", "annotations"])

interface Entry {
  readonly timestamp: string
  readonly level: string
  readonly message: unknown
  readonly cause?: string | undefined
  readonly annotations?: Readonly<Record<string, unknown>>
}

const textOf = (message: unknown): string => {
  if (typeof message === "string") return message
  return Array.isArray(message) ? message.map(textOf).join(" ") : Formatter.formatJson(message)
}

/** A record on one line: the time in UTC, the level, the message, and the annotations as fields beside them. */
export const logRecord = ({ annotations = {}, cause, level, message, timestamp }: Entry): string => {
  const entries = Object.entries(annotations)
  const hidden = entries.filter(([name]) => ownFields.has(name))
  return Formatter.formatJson({
    timestamp,
    level,
    message: textOf(message),
    ...Object.fromEntries(entries.filter(([name]) => !ownFields.has(name))),
    ...(cause === undefined ? {} : { cause }),
    ...(hidden.length === 0 ? {} : { annotations: Object.fromEntries(hidden) })
  })
}

const jsonLogger = Logger.make<unknown, void>((options) => {
  process.stderr.write(`${logRecord(Logger.formatStructured.log(options))}\n`)
})

/** The logger of a format. */
export const logging = (format: LogFormat): Layer.Layer<never> =>
  Layer.merge(Layer.succeed(Logger.LogToStderr, true), format === "json" ? Logger.layer([jsonLogger]) : Layer.empty)
