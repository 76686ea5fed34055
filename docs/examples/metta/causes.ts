/** The reasons why evaluations left no outcome, from the diagnostics of their job. */
import type { Line } from "./lines.ts"
import { errorText } from "./print.ts"

/** A diagnostic of a job: the task that was discarded, and why. */
export interface Discarded {
  readonly each?: { readonly kind: string; readonly id: string } | undefined
  readonly cause?: unknown
}

interface Fields {
  readonly _tag: string
  readonly limitMb: number
  readonly timeoutMs: number
  readonly exitCode: number
  readonly message: string
}

const messageOf = (cause: Partial<Fields>): string => {
  switch (cause._tag) {
    case "AgentOutOfMemory":
      return `(OutOfMemory ${cause.limitMb})`
    case "AgentTimedOut":
      return `(TimeLimit ${cause.timeoutMs})`
    case "WorkerCrashed":
      return `(Crashed ${cause.exitCode})`
    default:
      return `(Panicked ${JSON.stringify(cause.message ?? cause._tag ?? "")})`
  }
}

/** The lines of a program, with the reason of each evaluation that was stopped from outside. */
export const withCauses = (lines: ReadonlyArray<Line>, diagnostics: ReadonlyArray<Discarded>): ReadonlyArray<Line> => {
  const causes = new Map(diagnostics.map(({ each, cause }) => [each?.kind === "Open" ? each.id : "", cause]))
  return lines.map((line) => {
    const cause = line.task === "" ? undefined : causes.get(line.task)
    return cause === undefined
      ? line
      : { ...line, results: [errorText(line.text, messageOf(cause as Partial<Fields>))] }
  })
}
